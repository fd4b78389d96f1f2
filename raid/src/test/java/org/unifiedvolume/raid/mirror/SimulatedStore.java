package org.unifiedvolume.raid.mirror;

import java.io.IOException;
import java.util.Random;
import org.unifiedvolume.testkit.VirtualTime;

/// A record in memory that survives what a file survives: a power cut leaves the old record or the
/// new one.
public final class SimulatedStore implements RecordStore {
    private final VirtualTime time;
    private final Random random;
    private SimulatedThreads threads;
    private byte[] saved;
    private byte[] underWay;
    private boolean broken;
    private long slowestNanos = 3_000_000;
    private int saves;

    public SimulatedStore(VirtualTime time, Random random) {
        this.time = time;
        this.random = random;
    }

    /// The threads of the process that uses the store from now on.
    public void usedBy(SimulatedThreads newThreads) {
        threads = newThreads;
    }

    /// Whether to fail every save from now on.
    public void setBroken(boolean isBroken) {
        broken = isBroken;
    }

    public void setSlowestNanos(long nanos) {
        slowestNanos = nanos;
    }

    public int saves() {
        return saves;
    }

    public byte[] bytes() {
        return saved;
    }

    public void setBytes(byte[] bytes) {
        saved = bytes;
    }

    @Override
    public byte[] load() {
        return saved;
    }

    @Override
    public void save(byte[] bytes) throws IOException {
        underWay = bytes;
        threads.await(done -> time.after(1 + random.nextLong(slowestNanos), done));
        underWay = null;
        if (broken) {
            throw new IOException("No space left on device");
        }
        saved = bytes;
        saves++;
    }

    /// The power goes: what was being saved may have been saved.
    public void powerCut() {
        if (underWay != null && random.nextBoolean()) {
            saved = underWay;
        }
        underWay = null;
    }

    @Override
    public String place() {
        return "the simulated record";
    }
}

package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.util.Random;
import org.unifiedvolume.raid.superblock.Witness;
import org.unifiedvolume.testkit.VirtualTime;

/// A witness in memory that survives what a file survives: a power cut leaves the old one or the
/// new one.
public final class SimulatedWitness implements WitnessStore {
    private final VirtualTime time;
    private final Random random;
    private SimulatedThreads threads;
    private Witness saved;
    private Witness underWay;
    private boolean broken;
    private long slowestNanos = 3_000_000;

    public SimulatedWitness(VirtualTime time, Random random) {
        this.time = time;
        this.random = random;
    }

    /// The threads of the process that uses it from now on.
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

    @Override
    public Witness load() {
        return saved;
    }

    @Override
    public void save(Witness witness) throws IOException {
        underWay = witness;
        threads.await(done -> time.after(1 + random.nextLong(slowestNanos), done));
        underWay = null;
        if (broken) {
            throw new IOException("No space left on device");
        }
        saved = Witness.decode(witness.encode());
    }

    /// The power goes: what was being saved may have been saved.
    public void powerCut() {
        if (underWay != null && random.nextBoolean()) {
            saved = underWay;
        }
        underWay = null;
    }
}

package org.unifiedvolume.raid.simulation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.Rig;
import org.unifiedvolume.raid.redundant.ArrayOptions;
import org.unifiedvolume.raid.redundant.JobOptions;
import org.unifiedvolume.raid.redundant.Surroundings;
import org.unifiedvolume.raid.redundant.WitnessStore;
import org.unifiedvolume.raid.spread.SpreadArray;
import org.unifiedvolume.raid.spread.SpreadPlan;
import org.unifiedvolume.raid.spread.SpreadStart;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.raid.superblock.MetadataPlace;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.testkit.EventLog;
import org.unifiedvolume.testkit.FaultCounts;
import org.unifiedvolume.testkit.SimulatedDisk;

/// A linear array or a RAID 0 with superblocks over simulated disks: it can be killed, or cut from
/// power, at any step of virtual time and started again.
final class SpreadLab implements AutoCloseable {
    static final int BLOCK_BYTES = 4096;
    private static final int LEAST_BLOCKS = 48;
    private static final long PATIENCE_NANOS = 100_000_000_000L;

    /// What somebody does while time goes on.
    interface Deed {
        void run() throws IOException;
    }

    private final Rig rig = new Rig();
    private final SimulatedHost host;
    private final long chunkBytes;
    private final MetadataPlace metadata;
    private final Map<Long, byte[]> written = new TreeMap<>();
    private SpreadArray array;
    private IOException failed;

    /// @param chunkBytes 0 for a linear array
    /// @param dataBlocks by disk: how many blocks of data there is room for
    SpreadLab(long chunkBytes, MetadataPlace metadata, int... dataBlocks) {
        this(7, chunkBytes, metadata, dataBlocks);
    }

    /// @param seed decides what survives
    SpreadLab(long seed, long chunkBytes, MetadataPlace metadata, int... dataBlocks) {
        this.chunkBytes = chunkBytes;
        this.metadata = metadata;
        this.host =
                new SimulatedHost(
                        rig,
                        new Random(seed),
                        new Random(1),
                        Planting.Seed.NONE.plant(rig.time),
                        new FaultCounts(),
                        EventLog.OFF);
        for (int blocks : dataBlocks) {
            host.addDisk(
                    new SimulatedDisk.Size(
                            (long) (LEAST_BLOCKS + blocks) * BLOCK_BYTES,
                            BLOCK_BYTES,
                            BLOCK_BYTES));
        }
    }

    Rig rig() {
        return rig;
    }

    SpreadArray array() {
        return array;
    }

    SimulatedDisk disk(int number) {
        return host.disks().get(number);
    }

    LayoutMember member(int number) {
        return host.member(disk(number));
    }

    /// Starts the array of these disks in a new process.
    SpreadLab start(int... disks) throws IOException {
        return start(Arrays.stream(disks).boxed().toList(), List.of());
    }

    SpreadLab start(List<Integer> disks, List<Integer> missing) throws IOException {
        host.startProcess();
        array = open(disks, missing);
        return this;
    }

    /// As [#start], on a thread of the new process, so that this can be killed meanwhile.
    void beginStart(int... disks) {
        host.startProcess();
        array = null;
        begin(() -> array = open(Arrays.stream(disks).boxed().toList(), List.of()));
    }

    private SpreadArray open(List<Integer> disks, List<Integer> missing) throws IOException {
        List<LayoutMember> members = new ArrayList<>();
        for (int disk : disks) {
            members.add(missing.contains(disk) ? host.missing(disk(disk)) : member(disk));
        }
        boolean isLinear = chunkBytes == 0;
        return new SpreadStart(
                        members,
                        new SpreadPlan(
                                "v", isLinear ? ArrayDescription.LINEAR : 0, chunkBytes, true),
                        new ArrayOptions(
                                0,
                                metadata,
                                false,
                                false,
                                false,
                                null,
                                false,
                                "",
                                null,
                                0,
                                new JobOptions(0)),
                        rig.context(),
                        new Surroundings(
                                host.threads(),
                                WitnessStore.NONE,
                                host.random()::nextLong,
                                () -> rig.time.nanoTime() / 1_000_000))
                .open();
    }

    /// Begins something on a thread of the process; the process may be killed meanwhile.
    void begin(Deed deed) {
        failed = null;
        host.threads()
                .start(
                        "deed",
                        () -> {
                            try {
                                deed.run();
                            } catch (IOException e) {
                                failed = e;
                            }
                        });
    }

    /// Why the last deed failed; null if it did not.
    IOException failed() {
        return failed;
    }

    /// Gives the array more members, and waits until it has accepted them.
    void extend(int... disks) throws IOException {
        array.extend(Arrays.stream(disks).mapToObj(this::member).toList(), false, 0);
    }

    /// The process ends here and now.
    void kill() {
        host.disks().forEach(SimulatedDisk::processEnds);
        end();
    }

    /// The power goes here and now: of what was not flushed anything may survive.
    void powerCut() {
        host.disks().forEach(SimulatedDisk::powerCut);
        end();
    }

    private void end() {
        host.killProcess();
        rig.time.runUntilIdle();
    }

    long sizeBlocks() {
        return array.shape().sizeBytes() / BLOCK_BYTES;
    }

    static byte[] block(int value) {
        byte[] bytes = new byte[BLOCK_BYTES];
        for (int i = 0; i < bytes.length; i += Integer.BYTES) {
            bytes[i] = (byte) value;
            bytes[i + 1] = (byte) (value >> 8);
            bytes[i + 2] = (byte) (i >> 2);
        }
        return bytes;
    }

    void write(long block, int value) {
        byte[] bytes = block(value);
        assertInstanceOf(Outcome.Done.class, rig.write(array, block * BLOCK_BYTES, bytes));
        written.put(block, bytes);
    }

    /// Writes all blocks, each with a value of its own, and makes them durable.
    void fill() {
        for (int block = 0; block < sizeBlocks(); block++) {
            write(block, block + 1);
        }
        flush();
    }

    void flush() {
        assertInstanceOf(Outcome.Done.class, rig.flush(array));
    }

    /// Fails unless everything that was written can be read.
    void verify() {
        written.forEach(
                (block, bytes) ->
                        assertArrayEquals(
                                bytes,
                                rig.read(array, block * BLOCK_BYTES, BLOCK_BYTES),
                                () -> "block " + block));
        // And in one request each, over chunks and over what has moved and what has not.
        int step = 7;
        for (long from = 0; from + step <= written.size(); from += step) {
            byte[] all = rig.read(array, from * BLOCK_BYTES, step * BLOCK_BYTES);
            for (int i = 0; i < step; i++) {
                byte[] expected = written.get(from + i);
                if (expected != null) {
                    long block = from + i;
                    assertArrayEquals(
                            expected,
                            Arrays.copyOfRange(all, i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES),
                            () -> "block " + block);
                }
            }
        }
    }

    State state() {
        return array.status().state();
    }

    /// Runs time until the array is in a state.
    boolean comes(State state) {
        long until = rig.time.nanoTime() + PATIENCE_NANOS;
        while (state() != state && rig.time.nanoTime() < until) {
            if (!rig.time.step()) {
                return false;
            }
        }
        return state() == state;
    }

    /// Runs so many steps of time.
    ///
    /// @return whether there were as many
    boolean steps(int count) {
        for (int i = 0; i < count; i++) {
            if (!rig.time.step()) {
                return false;
            }
        }
        return true;
    }

    @Override
    public void close() {
        array.close();
        rig.time.runUntilIdle();
        rig.close();
    }
}

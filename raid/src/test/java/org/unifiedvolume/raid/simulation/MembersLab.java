package org.unifiedvolume.raid.simulation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.LongConsumer;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.Rig;
import org.unifiedvolume.raid.mirror.ReadPolicy;
import org.unifiedvolume.raid.mirror.ReplicationPlan;
import org.unifiedvolume.raid.redundant.ArrayOptions;
import org.unifiedvolume.raid.redundant.ArrayStart;
import org.unifiedvolume.raid.redundant.BehindOptions;
import org.unifiedvolume.raid.redundant.JobOptions;
import org.unifiedvolume.raid.redundant.LevelPlan;
import org.unifiedvolume.raid.redundant.RedundantArray;
import org.unifiedvolume.raid.redundant.SimulatedWitness;
import org.unifiedvolume.raid.redundant.Surroundings;
import org.unifiedvolume.raid.stripe.ParityPlan;
import org.unifiedvolume.raid.superblock.MetadataPlace;
import org.unifiedvolume.raid.superblock.SuperblockSlots;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.testkit.EventLog;
import org.unifiedvolume.testkit.FaultCounts;
import org.unifiedvolume.testkit.SimulatedDisk;

/// A mirror, or an array with parity, over simulated disks, for tests of commands about its
/// members: it can be killed at any step of virtual time and started again.
final class MembersLab implements AutoCloseable {
    static final int BLOCK_BYTES = 4096;
    static final long DELAY_NANOS = 2_000_000_000L;
    private static final int LEAST_BLOCKS = 48;
    private static final int JOURNAL_BLOCKS = 128;
    private static final long CHUNK_BYTES = 2 * BLOCK_BYTES;
    private static final long WINDOW_BYTES = 256 << 10;
    private static final long PATIENCE_NANOS = 60_000_000_000L;

    private final Rig rig = new Rig();
    private final SimulatedHost host;
    private final SimulatedWitness witness;
    private final MetadataPlace metadata;
    private final int parities;
    private int legs;
    private int copies;
    private final Map<Long, byte[]> written = new HashMap<>();
    private long chunkBytes = CHUNK_BYTES;
    private long usedBytes;
    private long idleWindowBytes = WINDOW_BYTES;
    private boolean hasChecksums;
    private BehindOptions behind = BehindOptions.NONE;
    private final Map<Integer, TappedDevice.Tap> taps = new HashMap<>();
    private RedundantArray array;
    private IOException failed;

    /// @param dataBlocks by disk: how many blocks of data there is room for; the first ones are
    ///     legs
    MembersLab(int legs, MetadataPlace metadata, int... dataBlocks) {
        this(0, legs, metadata, dataBlocks);
    }

    /// @param parities 1 for RAID 5, 2 for RAID 6
    MembersLab(int parities, int legs, MetadataPlace metadata, int... dataBlocks) {
        Random random = new Random(7);
        this.parities = parities;
        this.legs = legs;
        this.metadata = metadata;
        this.host =
                new SimulatedHost(
                        rig,
                        random,
                        new Random(1),
                        Planting.Seed.NONE.plant(rig.time),
                        new FaultCounts(),
                        EventLog.OFF);
        for (int blocks : dataBlocks) {
            host.addDisk(
                    new SimulatedDisk.Size(
                            (long) (LEAST_BLOCKS + (parities > 0 ? JOURNAL_BLOCKS : 0) + blocks)
                                    * BLOCK_BYTES,
                            BLOCK_BYTES,
                            BLOCK_BYTES));
        }
        this.witness = new SimulatedWitness(rig.time, random);
    }

    /// A new array uses only so much of each leg.
    MembersLab using(int blocks) {
        usedBytes = (long) blocks * BLOCK_BYTES;
        return this;
    }

    /// Jobs work on so many blocks at a time while nobody asks for anything.
    MembersLab idlingBy(int blocks) {
        idleWindowBytes = (long) blocks * BLOCK_BYTES;
        return this;
    }

    /// As [#member], with somebody who is told how long each write to it is.
    LayoutMember member(int number, LongConsumer written) {
        TappedDevice tapped =
                new TappedDevice(
                        disk(number).open(rig.io),
                        (below, request, done) -> {
                            if (request instanceof IoRequest.Write write) {
                                written.accept(write.lengthBytes());
                            }
                            below.submit(request, done);
                        });
        return host.member(disk(number), tapped);
    }

    /// A leg gets changes later than these are acknowledged, in a mirror.
    MembersLab writingBehind(int number, long bytes, long nanos) {
        behind = new BehindOptions(List.of(disk(number).name()), bytes, nanos);
        return this;
    }

    /// Somebody gets between the array and a disk.
    MembersLab tapping(int number, TappedDevice.Tap tap) {
        taps.put(number, tap);
        return this;
    }

    /// So many of the disks are written as members from now on.
    MembersLab writing(int members) {
        legs = members;
        return this;
    }

    /// Parity has chunks of so many blocks.
    MembersLab inChunks(int blocks) {
        chunkBytes = (long) blocks * BLOCK_BYTES;
        return this;
    }

    /// It is a RAID 10 of so many copies.
    MembersLab inCopies(int each) {
        copies = each;
        return this;
    }

    /// A new array keeps checksums of its data.
    MembersLab withChecksums() {
        hasChecksums = true;
        return this;
    }

    Rig rig() {
        return rig;
    }

    RedundantArray array() {
        return array;
    }

    SimulatedDisk disk(int number) {
        return host.disks().get(number);
    }

    LayoutMember member(int number) {
        TappedDevice.Tap tap = taps.get(number);
        return tap == null
                ? host.member(disk(number))
                : host.member(disk(number), new TappedDevice(disk(number).open(rig.io), tap));
    }

    /// Starts the array with as many of the disks as are named; those that are written as members
    /// have to be there.
    MembersLab start(Integer... spares) throws IOException {
        return start("", List.of(), spares);
    }

    MembersLab start(String degraded, List<Integer> missing, Integer... spares) throws IOException {
        host.startProcess();
        witness.usedBy(host.threads());
        List<LayoutMember> members = new ArrayList<>();
        for (int i = 0; i < legs; i++) {
            members.add(missing.contains(i) ? host.missing(disk(i)) : member(i));
        }
        List<LayoutMember> waiting = new ArrayList<>();
        for (int spare : spares) {
            waiting.add(missing.contains(spare) ? host.missing(disk(spare)) : member(spare));
        }
        ArrayOptions usual = ArrayOptions.DEFAULT;
        ArrayOptions options =
                new ArrayOptions(
                        usedBytes,
                        metadata,
                        true,
                        hasChecksums,
                        false,
                        null,
                        false,
                        degraded,
                        null,
                        DELAY_NANOS,
                        new JobOptions(0, usual.jobs().checkpointBytes(), idleWindowBytes));
        List<String> names = members.stream().map(LayoutMember::name).toList();
        array =
                new ArrayStart(
                                members,
                                waiting,
                                plan(names),
                                options,
                                rig.context(),
                                new Surroundings(
                                        host.threads(),
                                        witness,
                                        host.random()::nextLong,
                                        () -> rig.time.nanoTime() / 1_000_000))
                        .open();
        return this;
    }

    private LevelPlan plan(List<String> names) {
        if (copies > 0) {
            return new ReplicationPlan(
                    "v", 10, chunkBytes, copies, ReadPolicy.LOCAL_FIRST, List.of(), names);
        }
        return parities == 0
                ? new ReplicationPlan(
                        "v", 1, 0, 0, ReadPolicy.LOCAL_FIRST, List.of(), behind, names)
                : new ParityPlan("v", parities + 4, chunkBytes, true, names);
    }

    /// What somebody does while time goes on.
    interface Deed {
        void run() throws IOException;
    }

    /// Begins something on a thread of the process; what it throws is lost, as the process may be
    /// killed.
    void begin(Deed deed) {
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

    /// The process ends here and now.
    void kill() {
        host.disks().forEach(SimulatedDisk::processEnds);
        end();
    }

    /// The power of everything goes here and now.
    void powerCut() {
        host.disks().forEach(SimulatedDisk::powerCut);
        end();
    }

    private void end() {
        host.killProcess();
        witness.powerCut();
        rig.time.runUntilIdle();
    }

    void write(int block, int value) {
        byte[] bytes = new byte[BLOCK_BYTES];
        java.util.Arrays.fill(bytes, (byte) value);
        long offset = (long) block * BLOCK_BYTES;
        assertInstanceOf(Outcome.Done.class, rig.write(array, offset, bytes));
        written.put(offset, bytes);
    }

    /// What is there is lost.
    void assertLost(int block) {
        long offset = (long) block * BLOCK_BYTES;
        IoTag tag = rig.tag(array, Operation.READ, offset, BLOCK_BYTES);
        Outcome outcome = rig.call(array, new IoRequest.Read(tag, offset, BLOCK_BYTES));
        outcome.discard();
        DeviceFault why =
                assertInstanceOf(Outcome.Failed.class, outcome, () -> "block " + block).fault();
        assertEquals(DeviceFault.Kind.IO, why.kind());
        written.remove(offset);
    }

    /// Writes blocks with one request.
    void writeAll(int block, int count, int value) {
        byte[] bytes = new byte[count * BLOCK_BYTES];
        java.util.Arrays.fill(bytes, (byte) value);
        long offset = (long) block * BLOCK_BYTES;
        assertInstanceOf(Outcome.Done.class, rig.write(array, offset, bytes));
        for (int i = 0; i < count; i++) {
            byte[] part = java.util.Arrays.copyOf(bytes, BLOCK_BYTES);
            written.put(offset + (long) i * BLOCK_BYTES, part);
        }
    }

    /// Where a disk that is in no use keeps its list of what is lost.
    long listOffset(int number) throws IOException {
        return SuperblockSlots.read(new DirtyOnDisk.View(disk(number)), metadata)
                .current()
                .areas()
                .badBlocks()
                .offset();
    }

    /// Makes everything durable that was written.
    void flush() {
        assertInstanceOf(
                Outcome.Done.class,
                rig.call(array, new IoRequest.Flush(rig.tag(array, Operation.FLUSH, 0, 0))));
    }

    /// Fails unless everything that was written can be read.
    void verify() {
        written.forEach(
                (offset, bytes) ->
                        assertArrayEquals(
                                bytes,
                                rig.read(array, offset, BLOCK_BYTES),
                                () -> "at offset " + offset));
    }

    /// Whether the array becomes ONLINE.
    boolean comesOnline() {
        long until = rig.time.nanoTime() + PATIENCE_NANOS;
        while (array.status().state() != State.ONLINE && rig.time.nanoTime() < until) {
            if (!rig.time.step()) {
                return false;
            }
        }
        return array.status().state() == State.ONLINE;
    }

    /// Runs time until a step count or until the array is ONLINE.
    ///
    /// @return whether it is not yet
    boolean runSteps(int steps) {
        for (int i = 0; i < steps; i++) {
            if (array.status().state() == State.ONLINE || !rig.time.step()) {
                return false;
            }
        }
        return true;
    }

    void sleep(long nanos) {
        rig.time.advance(nanos);
    }

    /// The names of the members that have roles, in their order.
    List<String> legNames() {
        return children().stream()
                .filter(child -> !child.kind().equals("spare"))
                .filter(child -> !child.kind().equals("replacement"))
                .map(DeviceStatus::name)
                .toList();
    }

    /// The status of a member; fails if there is none.
    DeviceStatus status(String name) {
        return children().stream()
                .filter(child -> child.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    List<DeviceStatus> children() {
        return array.status().children();
    }

    @Override
    public void close() {
        array.close();
        rig.time.runUntilIdle();
        rig.close();
    }
}

package org.unifiedvolume.raid.simulation;

import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.raid.mirror.ReadPolicy;
import org.unifiedvolume.raid.mirror.ReplicationPlan;
import org.unifiedvolume.raid.redundant.BehindOptions;
import org.unifiedvolume.raid.redundant.LevelPlan;
import org.unifiedvolume.spi.ManagedArray;
import org.unifiedvolume.testkit.SimulatedDisk;
import org.unifiedvolume.testkit.SimulatedDisk.Faults;
import org.unifiedvolume.testkit.VolumeModel.Change;

/// RAID 1 of two or three legs, of which the last may be slow and written behind, or RAID 10 of two
/// to five.
final class SimulatedReplication extends SimulatedRedundancy {
    private static final int LEG_BLOCKS = 48 + 160; // metadata, and more than two windows of a job
    private static final int TEN_LEG_BLOCKS = 48 + 80;
    private static final long SLOWEST_NANOS = 200_000_000;
    private static final int LARGE_LEG_BLOCKS = 48 + 2048; // eight regions of the bitmap

    private final boolean isTen;
    private final int legs;
    private final int copies;
    private int leastLegs;
    private final long chunkBytes;
    private final ReadPolicy policy;
    private final BehindOptions behind;
    private final SimulatedDisk slow;

    private SimulatedReplication(
            SimulatedHost host, boolean isTen, boolean hasChecksums, boolean hasSlow) {
        super(host, hasChecksums);
        Random random = host.random();
        this.isTen = isTen;
        this.legs = hasSlow && random.nextInt(2) == 0 ? 3 : 2 + random.nextInt(isTen ? 4 : 2);
        this.copies = isTen ? 2 + random.nextInt(Math.min(2, legs - 1)) : legs;
        this.leastLegs = legs;
        this.chunkBytes = 4096L << random.nextInt(4);
        this.policy = ReadPolicy.values()[random.nextInt(ReadPolicy.values().length)];
        int usual = isTen ? TEN_LEG_BLOCKS : LEG_BLOCKS;
        SimulatedDisk.Size size =
                VolumeSimulation.someSize(random, host.isLarge() ? LARGE_LEG_BLOCKS : usual);
        addDisks(legs, size);
        this.slow = hasSlow ? host.disks().get(legs - 1) : null;
        this.behind =
                hasSlow
                        ? new BehindOptions(
                                List.of(slow.name()),
                                4096L << random.nextInt(10),
                                50_000_000L << random.nextInt(6))
                        : BehindOptions.NONE;
    }

    static SimulatedReplication mirror(SimulatedHost host, boolean hasChecksums) {
        return new SimulatedReplication(host, false, hasChecksums, false);
    }

    static SimulatedReplication ten(SimulatedHost host, boolean hasChecksums) {
        return new SimulatedReplication(host, true, hasChecksums, false);
    }

    /// A mirror with a leg that is slow, and gets changes later than these are acknowledged.
    static SimulatedReplication behind(SimulatedHost host) {
        return new SimulatedReplication(host, false, false, true);
    }

    /// As many legs of a mirror may be lost as there are, but for one; while there are to be fewer,
    /// it may be that there are already. One that is written behind does not count.
    @Override
    public Promises promises() {
        int least = (isTen ? copies : leastLegs) - (slow == null ? 0 : 1);
        return new Promises(least - 1, borne());
    }

    @Override
    void started(BlockDevice array) {
        leastLegs = (int) legs(array).map(DeviceStatus::name).distinct().count();
        if (slow != null && host().variety().nextInt(4) > 0) {
            slow.setFaults(Faults.NONE.slow(1 + host().variety().nextLong(SLOWEST_NANOS)));
        }
    }

    @Override
    public boolean isComplete(DeviceStatus leg) {
        return (slow != null && leg.name().equals(slow.name())) || super.isComplete(leg);
    }

    private static int legCount(BlockDevice array) {
        return (int) legs(array).count();
    }

    /// A disk that was brought in anew while its old leg was away has two of them, and only one of
    /// these can ever come back.
    private static Stream<DeviceStatus> legs(BlockDevice array) {
        return array.status().children().stream()
                .filter(child -> !child.kind().equals("spare"))
                .filter(child -> !child.kind().equals("replacement"));
    }

    @Override
    public List<Command> rareCommands(BlockDevice array) {
        if (isTen || host().isLarge()) {
            return List.of();
        }
        ManagedArray managed = (ManagedArray) array;
        Command more =
                new Command(
                        "grow by a leg", true, disk -> addLeg(managed, legCount(array) + 1, disk));
        Command fewer =
                new Command(
                        "shrink by a leg",
                        false,
                        disk -> {
                            int count = legCount(array) - 1;
                            leastLegs = Math.max(2, Math.min(leastLegs, count));
                            managed.setLegs(count, List.of(), List.of(disk.name()), true);
                        });
        return List.of(more, fewer, fewer);
    }

    /// A block that goes wrong on one leg while it was being changed on the others
    /// (`docs/safety.md`, limit 8).
    @Override
    public boolean mayGarble(Change change) {
        return hasChecksums() && host().disks().stream().anyMatch(FaultPlan::isFlawed);
    }

    @Override
    public boolean losesLegsLate() {
        return hasChecksums();
    }

    @Override
    LevelPlan plan(List<String> names) {
        return new ReplicationPlan(
                "v",
                isTen ? 10 : 1,
                isTen ? chunkBytes : 0,
                isTen ? copies : 0,
                policy,
                List.of(),
                behind,
                names);
    }
}

package org.unifiedvolume.raid.simulation;

import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.raid.mirror.ReadPolicy;
import org.unifiedvolume.raid.mirror.ReplicationPlan;
import org.unifiedvolume.raid.redundant.LevelPlan;
import org.unifiedvolume.spi.ManagedArray;
import org.unifiedvolume.testkit.SimulatedDisk;
import org.unifiedvolume.testkit.VolumeModel.Change;

/// RAID 1 of two or three legs, or RAID 10 of two to five.
final class SimulatedReplication extends SimulatedRedundancy {
    private static final int LEG_BLOCKS = 48 + 160; // metadata, and more than two windows of a job
    private static final int TEN_LEG_BLOCKS = 48 + 80;
    private static final int LARGE_LEG_BLOCKS = 48 + 2048; // eight regions of the bitmap

    private final boolean isTen;
    private final int legs;
    private final int copies;
    private int leastLegs;
    private final long chunkBytes;
    private final ReadPolicy policy;

    private SimulatedReplication(SimulatedHost host, boolean isTen, boolean hasChecksums) {
        super(host, hasChecksums);
        Random random = host.random();
        this.isTen = isTen;
        this.legs = 2 + random.nextInt(isTen ? 4 : 2);
        this.copies = isTen ? 2 + random.nextInt(Math.min(2, legs - 1)) : legs;
        this.leastLegs = legs;
        this.chunkBytes = 4096L << random.nextInt(4);
        this.policy = ReadPolicy.values()[random.nextInt(ReadPolicy.values().length)];
        int usual = isTen ? TEN_LEG_BLOCKS : LEG_BLOCKS;
        SimulatedDisk.Size size =
                VolumeSimulation.someSize(random, host.isLarge() ? LARGE_LEG_BLOCKS : usual);
        addDisks(legs, size);
    }

    static SimulatedReplication mirror(SimulatedHost host, boolean hasChecksums) {
        return new SimulatedReplication(host, false, hasChecksums);
    }

    static SimulatedReplication ten(SimulatedHost host, boolean hasChecksums) {
        return new SimulatedReplication(host, true, hasChecksums);
    }

    /// As many legs of a mirror may be lost as there are, but for one; while there are to be fewer,
    /// it may be that there are already.
    @Override
    public Promises promises() {
        return new Promises((isTen ? copies : leastLegs) - 1, borne());
    }

    @Override
    void started(BlockDevice array) {
        leastLegs = (int) legs(array).map(DeviceStatus::name).distinct().count();
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
                names);
    }
}

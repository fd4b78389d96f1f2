package org.unifiedvolume.raid.simulation;

import java.util.List;
import java.util.Random;
import org.unifiedvolume.raid.redundant.LevelPlan;
import org.unifiedvolume.raid.stripe.ParityPlan;
import org.unifiedvolume.spi.ManagedArray;
import org.unifiedvolume.testkit.SimulatedDisk;
import org.unifiedvolume.testkit.VolumeModel.Change;

/// RAID 5 of three to five legs, or RAID 6 of four to six.
final class SimulatedParity extends SimulatedRedundancy {
    private static final int LEG_BLOCKS = 48 + 128 + 48; // metadata, journal, data

    private final int parities;
    private final long chunkBytes;

    SimulatedParity(SimulatedHost host, int parities, boolean hasChecksums) {
        super(host, hasChecksums);
        Random random = host.random();
        this.parities = parities;
        this.chunkBytes = 4096L << random.nextInt(3);
        int legs = parities + 2 + random.nextInt(3);
        SimulatedDisk.Size size = VolumeSimulation.someSize(random, LEG_BLOCKS);
        addDisks(legs, size);
    }

    @Override
    public Promises promises() {
        return new Promises(parities, borne());
    }

    @Override
    LevelPlan plan(List<String> names) {
        return new ParityPlan("v", parities == 1 ? 5 : 6, chunkBytes, true, names);
    }

    @Override
    boolean isParity() {
        return true;
    }

    /// It may be laid out over all disks.
    @Override
    int mostRoles() {
        return host().disks().size();
    }

    @Override
    List<Command> moreCommands(ManagedArray array) {
        Command widen = new Command("widen", true, _ -> widen(array));
        return List.of(widen, widen, widen, widen, widen);
    }

    /// Stripes that are written whole are not journalled (`docs/safety.md`, limit 1).
    @Override
    public boolean mayGarble(Change change) {
        return true;
    }

    @Override
    public boolean losesLegsLate() {
        return true;
    }
}

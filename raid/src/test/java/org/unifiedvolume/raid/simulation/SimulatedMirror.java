package org.unifiedvolume.raid.simulation;

import java.io.IOException;
import java.util.List;
import java.util.Set;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.mirror.MirrorArray;
import org.unifiedvolume.raid.mirror.MirrorOptions;
import org.unifiedvolume.raid.mirror.SimulatedStore;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.spi.ManagedArray;
import org.unifiedvolume.testkit.DiskFault;
import org.unifiedvolume.testkit.SimulatedDisk;

/// RAID 1 of two or three legs, with its record in a state folder.
final class SimulatedMirror implements SimulatedArray {
    private static final int LEG_SECTORS = 160; // two windows of a resync

    private final SimulatedHost host;
    private final SimulatedStore store;
    private final Promises promises;

    SimulatedMirror(SimulatedHost host) {
        this.host = host;
        this.store = new SimulatedStore(host.rig().time, host.random());
        store.setSlowestNanos(host.random().nextBoolean() ? 3_000_000 : 300_000_000);
        int legs = 2 + host.random().nextInt(2);
        SimulatedDisk.Size size = VolumeSimulation.someSize(host.random(), LEG_SECTORS);
        for (int i = 0; i < legs; i++) {
            host.addDisk(size);
        }
        // Not yet borne: unreadable sectors, as a resync whose measure cannot be read gives up the
        // legs that it was to compare; caches lost on return, as a leg that failed a write is read
        // until the other legs have answered it.
        Set<DiskFault> borne = Promises.honestAnd(DiskFault.MISSING);
        borne.remove(DiskFault.LATENT_ERROR);
        promises = new Promises(legs - 1, borne);
    }

    @Override
    public Promises promises() {
        return promises;
    }

    @Override
    public long sizeBytes() {
        return host.disks().getFirst().size().sizeBytes();
    }

    @Override
    public BlockDevice start(Set<SimulatedDisk> missing, boolean isNew) throws IOException {
        store.usedBy(host.threads());
        List<LayoutMember> members =
                host.disks().stream()
                        .map(
                                disk ->
                                        missing.contains(disk)
                                                ? host.missing(disk)
                                                : host.member(disk))
                        .toList();
        return MirrorArray.open(
                members,
                new MirrorOptions(0, false, null),
                host.rig().context(),
                host.planting().store(store, host),
                host.threads());
    }

    @Override
    public List<Command> commands(BlockDevice array) {
        ManagedArray mirror = (ManagedArray) array;
        Command fail = new Command("fail", false, disk -> mirror.fail(disk.name()));
        Command readd = new Command("re-add", true, disk -> mirror.readd(disk.name(), false));
        return List.of(fail, readd, readd, readd);
    }

    @Override
    public boolean isComplete(DeviceStatus leg) {
        // One that is being compared lacks nothing, but is given up if its measure cannot be read.
        return leg.state() == State.ONLINE
                || (leg.state() == State.DEGRADED
                        && !leg.reason().startsWith("resync")
                        && !leg.reason().startsWith("not in sync"));
    }

    @Override
    public void processEnded() {
        store.powerCut();
    }
}

package org.unifiedvolume.raid.simulation;

import java.io.IOException;
import java.util.Set;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.raid.array.LinearArray;
import org.unifiedvolume.testkit.SimulatedDisk;

/// Linear volumes of one to four disks.
final class SimulatedLinear implements SimulatedArray {
    private static final int MEMBER_SECTORS = 40;

    private final SimulatedHost host;

    SimulatedLinear(SimulatedHost host) {
        this.host = host;
        addDisks(host);
    }

    /// One to four small disks.
    static void addDisks(SimulatedHost host) {
        int members = 1 + host.random().nextInt(4);
        SimulatedDisk.Size size = VolumeSimulation.someSize(host.random(), MEMBER_SECTORS);
        for (int i = 0; i < members; i++) {
            host.addDisk(size);
        }
    }

    @Override
    public Promises promises() {
        return new Promises(0, Promises.HONEST);
    }

    @Override
    public long sizeBytes() {
        return host.disks().stream().mapToLong(disk -> disk.size().sizeBytes()).sum();
    }

    @Override
    public BlockDevice start(Set<SimulatedDisk> missing, boolean isNew) throws IOException {
        return LinearArray.of(
                host.disks().stream().map(host::member).toList(), host.rig().context());
    }
}

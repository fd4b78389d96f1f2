package org.unifiedvolume.raid.simulation;

import java.io.IOException;
import java.util.Set;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.raid.array.StripeArray;
import org.unifiedvolume.testkit.SimulatedDisk;

/// RAID 0 over one to four disks.
final class SimulatedStripe implements SimulatedArray {
    static final int CHUNK_BYTES = 2 * VolumeSimulation.BLOCK_BYTES;

    private final SimulatedHost host;

    SimulatedStripe(SimulatedHost host) {
        this.host = host;
        SimulatedLinear.addDisks(host);
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
        return StripeArray.of(
                host.disks().stream().map(host::member).toList(),
                CHUNK_BYTES,
                host.rig().context());
    }
}

package org.unifiedvolume.service;

import java.util.List;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.stack.OrderPolicy;
import org.unifiedvolume.stack.StackOptions;
import org.unifiedvolume.testkit.BlockDeviceContract;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.TestProcess;
import org.unifiedvolume.trace.Tracer;
import org.unifiedvolume.volume.Lanes;
import org.unifiedvolume.volume.Volume;

/// A volume as the member of another one keeps the contract of devices, although its own requests
/// carry tags of their own and it may let few of them through at once.
final class VolumeDeviceContractTest extends BlockDeviceContract {
    private Volume volume;

    @Override
    protected BlockDevice openDevice(TestProcess surroundings) {
        volume =
                new Volume(
                        "inner",
                        new MemoryDevice(4 << 20, Locality.REMOTE, surroundings.context()),
                        List.of(),
                        new Lanes(),
                        new Tracer(surroundings.context().timers()),
                        StackOptions.ofVolume(OrderPolicy.Named.FIFO, 4),
                        surroundings.context());
        return new VolumeDevice(volume, Locality.REMOTE, surroundings.context());
    }

    /// The service closes a volume, not who uses it as a member.
    @Override
    protected void closeSurroundings() {
        volume.close();
    }
}

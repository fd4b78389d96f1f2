package org.unifiedvolume.testkit;

import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.request.Locality;

final class MemoryDeviceTest extends BlockDeviceContract {
    @Override
    protected BlockDevice openDevice(TestProcess surroundings) {
        return new MemoryDevice(4 << 20, Locality.LOCAL, surroundings.context());
    }
}

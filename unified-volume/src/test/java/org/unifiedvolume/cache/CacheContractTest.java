package org.unifiedvolume.cache;

import org.junit.jupiter.api.Nested;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.layer.DelayLayer;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.testkit.BlockDeviceContract;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.TestProcess;

/// A cached device keeps the contract of devices.
final class CacheContractTest {
    @Nested
    final class OverMemory extends BlockDeviceContract {
        @Override
        protected BlockDevice openDevice(TestProcess surroundings) {
            return new ReadCache(
                    new MemoryDevice(4 << 20, Locality.LOCAL, surroundings.context()),
                    CacheOptions.of(1 << 20),
                    surroundings.context());
        }
    }

    @Nested
    final class OverASlowDeviceWithSectors extends BlockDeviceContract {
        @Override
        protected BlockDevice openDevice(TestProcess surroundings) {
            DeviceShape sectors =
                    new DeviceShape(
                            (4 << 20) + 1536,
                            512,
                            4096,
                            DeviceShape.UNLIMITED_TRANSFER_BYTES,
                            1,
                            DeviceShape.ofMemory(512).abilities());
            return new ReadCache(
                    new DelayLayer(
                            new MemoryDevice(sectors, Locality.LOCAL, surroundings.context()),
                            surroundings.context().timers(),
                            request -> request.tag().id() % 5 * 30_000,
                            request -> request.tag().id() % 3 * 30_000),
                    CacheOptions.of(2 << 20),
                    surroundings.context());
        }
    }
}

package org.unifiedvolume.layer;

import org.junit.jupiter.api.Nested;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.testkit.BlockDeviceContract;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.TestProcess;

/// Every writable layer keeps the contract of devices.
final class LayerContractTest {
    private static MemoryDevice memory(TestProcess surroundings) {
        return new MemoryDevice(4 << 20, Locality.LOCAL, surroundings.context());
    }

    @Nested
    final class AWindow extends BlockDeviceContract {
        @Override
        protected BlockDevice openDevice(TestProcess surroundings) {
            return new WindowLayer(memory(surroundings), 4096, 2 << 20);
        }
    }

    @Nested
    final class ADelayWithChangingTimes extends BlockDeviceContract {
        @Override
        protected BlockDevice openDevice(TestProcess surroundings) {
            return new DelayLayer(
                    memory(surroundings),
                    surroundings.context().timers(),
                    request -> request.tag().id() * 7 % 5 * 40_000,
                    request -> request.tag().id() * 11 % 7 * 30_000);
        }
    }

    @Nested
    final class AFaultLayerThatPasses extends BlockDeviceContract {
        @Override
        protected BlockDevice openDevice(TestProcess surroundings) {
            return new FaultLayer(memory(surroundings));
        }
    }

    @Nested
    final class ASplit extends BlockDeviceContract {
        @Override
        protected BlockDevice openDevice(TestProcess surroundings) {
            DeviceShape limited = DeviceShape.ofMemory(4 << 20).withMaxTransfer(20_480);
            return SplitLayer.over(
                    new DelayLayer(
                            new MemoryDevice(limited, Locality.LOCAL, surroundings.context()),
                            surroundings.context().timers(),
                            request -> request.tag().id() % 3 * 50_000,
                            _ -> 0),
                    surroundings.context());
        }
    }
}

package org.unifiedvolume.raid.integrity;

import java.util.UUID;
import org.junit.jupiter.api.Nested;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.layer.DelayLayer;
import org.unifiedvolume.layer.WindowLayer;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.testkit.BlockDeviceContract;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.TestProcess;

/// The data of a member with checksums keep the contract of devices: over one that answers at once,
/// and one that answers late and in another order, while the checksums do not fit in memory.
final class IntegrityContractTest {
    private static final long DATA_BYTES = 12 << 20;
    private static final long CHECKSUM_BYTES = ChecksumSectors.areaBytes(DATA_BYTES);

    private static BlockDevice dataOf(BlockDevice member, TestProcess surroundings) {
        IntegrityLayer layer =
                new IntegrityLayer(
                        member,
                        surroundings.context(),
                        new UUID(1, 2),
                        new IntegrityLayer.Places(CHECKSUM_BYTES, DATA_BYTES, 0, true),
                        Doubt.NONE,
                        () -> false,
                        1);
        return new WindowLayer(layer, CHECKSUM_BYTES, DATA_BYTES);
    }

    private static MemoryDevice memory(TestProcess surroundings) {
        return new MemoryDevice(
                CHECKSUM_BYTES + DATA_BYTES, Locality.LOCAL, surroundings.context());
    }

    @Nested
    class AtOnce extends BlockDeviceContract {
        @Override
        protected BlockDevice openDevice(TestProcess surroundings) {
            return dataOf(memory(surroundings), surroundings);
        }
    }

    @Nested
    class Late extends BlockDeviceContract {
        @Override
        protected BlockDevice openDevice(TestProcess surroundings) {
            BlockDevice late =
                    new DelayLayer(
                            memory(surroundings),
                            surroundings.context().timers(),
                            request -> request.tag().id() * 7 % 5 * 30_000,
                            request -> request.tag().id() % 3 * 20_000);
            return dataOf(late, surroundings);
        }
    }
}

package org.unifiedvolume.raid.badblock;

import java.util.UUID;
import org.junit.jupiter.api.Nested;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.layer.DelayLayer;
import org.unifiedvolume.layer.WindowLayer;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.testkit.BlockDeviceContract;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.TestProcess;

/// What of a member is not lost keeps the contract of devices, whether nothing else is lost or
/// something: over one that answers at once, and one that answers late and in another order.
final class BadBlockContractTest {
    private static final UUID MEMBER = new UUID(1, 2);
    private static final long DATA = 64 << 10;
    private static final long GAP = 4096;
    private static final long WINDOW_BYTES = 12 << 20;

    private static BlockDevice dataOf(BlockDevice member, TestProcess surroundings, boolean lost) {
        BadBlocks list = lost ? BadBlocks.NONE.plus(0, GAP) : BadBlocks.NONE;
        byte[] area = BadBlockSlots.empty(MEMBER);
        byte[] slot = BadBlockSlots.encode(MEMBER, 3, list);
        System.arraycopy(slot, 0, area, 0, slot.length);
        try {
            BadBlockLayer layer =
                    new BadBlockLayer(
                            member,
                            surroundings.context(),
                            MEMBER,
                            new BadBlockLayer.Places(DATA, GAP + WINDOW_BYTES, 0),
                            BadBlockSlots.decode(MEMBER, area, GAP + WINDOW_BYTES),
                            () -> false);
            return new WindowLayer(layer, DATA + GAP, WINDOW_BYTES);
        } catch (DeviceFault fault) {
            throw new AssertionError(fault);
        }
    }

    private static MemoryDevice memory(TestProcess surroundings) {
        return new MemoryDevice(DATA + GAP + WINDOW_BYTES, Locality.LOCAL, surroundings.context());
    }

    @Nested
    class NothingLost extends BlockDeviceContract {
        @Override
        protected BlockDevice openDevice(TestProcess surroundings) {
            return dataOf(memory(surroundings), surroundings, false);
        }
    }

    @Nested
    class BesideWhatIsLost extends BlockDeviceContract {
        @Override
        protected BlockDevice openDevice(TestProcess surroundings) {
            BlockDevice late =
                    new DelayLayer(
                            memory(surroundings),
                            surroundings.context().timers(),
                            request -> request.tag().id() * 7 % 5 * 30_000,
                            request -> request.tag().id() % 3 * 20_000);
            return dataOf(late, surroundings, true);
        }
    }
}

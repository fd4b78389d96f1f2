package org.unifiedvolume.stack;

import org.junit.jupiter.api.Nested;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.layer.DelayLayer;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.testkit.BlockDeviceContract;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.TestProcess;
import org.unifiedvolume.trace.Tracer;
import org.unifiedvolume.volume.Lanes;
import org.unifiedvolume.volume.Member;

/// The request stack, alone and within a member, keeps the contract of devices, with and without
/// queueing.
final class StackContractTest {
    private static BlockDevice slowMemory(TestProcess surroundings) {
        return new DelayLayer(
                new MemoryDevice(4 << 20, Locality.LOCAL, surroundings.context()),
                surroundings.context().timers(),
                request -> request.tag().id() % 4 * 30_000,
                _ -> 0);
    }

    @Nested
    final class AStackThatQueuesAndMerges extends BlockDeviceContract {
        @Override
        protected BlockDevice openDevice(TestProcess surroundings) {
            return new RequestStack(
                    "test",
                    slowMemory(surroundings),
                    new StackOptions(
                            OrderPolicy.Named.FAIR, 4, 30_000_000_000L, 500_000_000L, 1 << 20),
                    surroundings.context().timers(),
                    surroundings.context().ids(),
                    StackListener.NONE);
        }
    }

    @Nested
    final class AStackThatLetsEverythingThrough extends BlockDeviceContract {
        @Override
        protected BlockDevice openDevice(TestProcess surroundings) {
            return new RequestStack(
                    "test",
                    new MemoryDevice(4 << 20, Locality.LOCAL, surroundings.context()),
                    StackOptions.ofVolume(OrderPolicy.Named.FIFO, 1024),
                    surroundings.context().timers(),
                    surroundings.context().ids(),
                    StackListener.NONE);
        }
    }

    @Nested
    final class AMember extends BlockDeviceContract {
        @Override
        protected BlockDevice openDevice(TestProcess surroundings) {
            return new Member(
                    "memory:test",
                    Locality.LOCAL,
                    slowMemory(surroundings),
                    StackOptions.ofMember(OrderPolicy.Named.DEADLINE, 8, 30_000_000_000L),
                    surroundings.context(),
                    new Lanes(),
                    new Tracer(surroundings.context().timers()));
        }
    }
}

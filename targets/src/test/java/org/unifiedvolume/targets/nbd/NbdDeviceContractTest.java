package org.unifiedvolume.targets.nbd;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.layer.DelayLayer;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.testkit.BlockDeviceContract;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.TestProcess;

/// Our client over our server keeps the contract of devices: the whole way of a request through
/// two volumes and a network.
final class NbdDeviceContractTest {
    @TempDir private Path folder;

    private abstract static class OverALoopback extends BlockDeviceContract {
        private NbdLoopback loopback;

        abstract Path socket();

        abstract BlockDevice served(TestProcess surroundings);

        @Override
        protected BlockDevice openDevice(TestProcess surroundings) throws IOException {
            loopback = new NbdLoopback(surroundings, served(surroundings), socket());
            return loopback.connect(3);
        }

        @Override
        protected void closeSurroundings() {
            loopback.close();
        }
    }

    private static BlockDevice memory(TestProcess surroundings) {
        return new MemoryDevice(4 << 20, Locality.LOCAL, surroundings.context());
    }

    @Nested
    final class OverTcp extends OverALoopback {
        @Override
        Path socket() {
            return null;
        }

        @Override
        BlockDevice served(TestProcess surroundings) {
            return memory(surroundings);
        }
    }

    @Nested
    final class OverAUnixSocketToASlowDevice extends OverALoopback {
        @Override
        Path socket() {
            return folder.resolve("s");
        }

        @Override
        BlockDevice served(TestProcess surroundings) {
            return new DelayLayer(
                    memory(surroundings),
                    surroundings.context().timers(),
                    request -> request.tag().id() % 5 * 100_000,
                    _ -> 0);
        }
    }
}

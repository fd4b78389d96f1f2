package org.unifiedvolume.targets.file;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.testkit.BlockDeviceContract;
import org.unifiedvolume.testkit.TestProcess;

/// A file keeps the contract of devices, in memory and on a disk, buffered and direct, on
/// threads and through rings.
final class FileDeviceContractTest {
    private static final long SIZE_BYTES = 4 << 20;

    @TempDir private Path folder;

    private static BlockDevice open(Path file, boolean direct, TestProcess surroundings)
            throws IOException {
        return FileDevice.open(
                FileOptions.of(file).creating(SIZE_BYTES).withDirect(direct),
                surroundings.context());
    }

    @Nested
    final class OnADiskFilesystemBuffered extends BlockDeviceContract {
        @Override
        protected BlockDevice openDevice(TestProcess surroundings) throws IOException {
            return open(folder.resolve("a.img"), false, surroundings);
        }
    }

    @Nested
    final class OnADiskFilesystemDirect extends BlockDeviceContract {
        @Override
        protected BlockDevice openDevice(TestProcess surroundings) throws IOException {
            return open(folder.resolve("a.img"), true, surroundings);
        }
    }

    private BlockDevice openOnRings(boolean direct, TestProcess surroundings) throws IOException {
        RingAvailable.orSkip();
        return new OnLoops(
                FileDevice.open(
                        FileOptions.of(folder.resolve("a.img"))
                                .creating(SIZE_BYTES)
                                .withDirect(direct)
                                .withLane(LaneChoice.URING),
                        surroundings.context()),
                surroundings.loops());
    }

    @Nested
    final class ThroughRingsBuffered extends BlockDeviceContract {
        @Override
        protected BlockDevice openDevice(TestProcess surroundings) throws IOException {
            return openOnRings(false, surroundings);
        }
    }

    @Nested
    final class ThroughRingsDirect extends BlockDeviceContract {
        @Override
        protected BlockDevice openDevice(TestProcess surroundings) throws IOException {
            return openOnRings(true, surroundings);
        }
    }

    @Nested
    final class InMemory extends BlockDeviceContract {
        private Path file;

        @Override
        protected BlockDevice openDevice(TestProcess surroundings) throws IOException {
            file = Files.createTempFile(Path.of("/dev/shm"), "uvol-test", ".img");
            Files.delete(file);
            return open(file, false, surroundings);
        }

        @Override
        protected void closeSurroundings() throws IOException {
            Files.delete(file);
        }
    }

    /// A loop device: what the kernel says of real disks, it says of this one.
    @Nested
    final class ABlockDevice extends BlockDeviceContract {
        private String loop;

        @Override
        protected BlockDevice openDevice(TestProcess surroundings) throws Exception {
            Path image = folder.resolve("disk.img");
            Files.write(image, new byte[(int) SIZE_BYTES]);
            Process losetup =
                    new ProcessBuilder("losetup", "--find", "--show", image.toString())
                            .redirectErrorStream(true)
                            .start();
            loop = losetup.inputReader().readLine();
            Assumptions.assumeTrue(losetup.waitFor() == 0, "no loop devices here: " + loop);
            return FileDevice.open(FileOptions.of(Path.of(loop)), surroundings.context());
        }

        @Override
        protected void closeSurroundings() throws Exception {
            new ProcessBuilder("losetup", "--detach", loop).start().waitFor();
        }
    }
}

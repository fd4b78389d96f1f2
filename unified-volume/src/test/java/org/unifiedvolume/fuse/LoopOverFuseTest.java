package org.unifiedvolume.fuse;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.unifiedvolume.mount.Filesystems;
import org.unifiedvolume.mount.LoopDevices;
import org.unifiedvolume.mount.Mounts;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.testkit.MemoryDevice;

/// The way from the exported file to a mounted filesystem and back.
class LoopOverFuseTest {
    private static final int FILES = 40;

    @TempDir Path folder;
    private Path file;
    private Path target;
    private MemoryDevice disk;

    @BeforeEach
    void needsLoopDevices() {
        assumeTrue(FuseHost.problem() == null, FuseHost.problem());
        assumeTrue(Files.isWritable(Path.of("/dev/loop-control")), "no right to make loop devices");
        file = folder.resolve("disk.img");
        target = folder.resolve("mounted");
    }

    @AfterEach
    void leavesNothing() throws IOException {
        Mounts.takeDown(file);
        assertTrue(Mounts.usersOf(file).isEmpty());
    }

    private FuseHost host(long sizeBytes) {
        return new FuseHost(
                io -> {
                    disk = new MemoryDevice(sizeBytes, Locality.LOCAL, io);
                    return disk;
                });
    }

    private byte[] bytesOf(int index) {
        Random random = new Random(index);
        byte[] bytes = new byte[random.nextInt(300_000)];
        random.nextBytes(bytes);
        return bytes;
    }

    @ParameterizedTest
    @ValueSource(strings = {"ext4", "xfs", "btrfs"})
    void filesystemsKeepTheirFilesOverARemount(String type) throws Exception {
        long sizeBytes = type.equals("xfs") ? 320L << 20 : 128L << 20;
        try (FuseHost host = host(sizeBytes)) {
            host.mount(file);
            String device = LoopDevices.attach(file, false);
            Filesystems.make(type, device, false);
            Mounts.mount(device, target);
            for (int i = 0; i < FILES; i++) {
                Files.write(target.resolve("file-" + i), bytesOf(i));
            }
            assertEquals(List.of(device), LoopDevices.findByFile(file));
            assertEquals(target.toRealPath(), Mounts.usersOf(file).mounts().getFirst().path());
            assertEquals(List.of(), Mounts.takeDown(file));

            host.unmount();
            host.mount(file);
            device = LoopDevices.attach(file, false);
            check(type, device);
            Mounts.mount(device, target);
            for (int i = 0; i < FILES; i++) {
                assertArrayEquals(bytesOf(i), Files.readAllBytes(target.resolve("file-" + i)));
            }
            run("fstrim", target.toString());
            assertTrue(
                    disk.asked().stream()
                            .anyMatch(
                                    asked ->
                                            asked instanceof IoRequest.Zero zero
                                                    && zero.mayUnmap()),
                    "fstrim punches holes");
            assertEquals(List.of(), Mounts.takeDown(file));
        }
    }

    private static void check(String type, String device) throws Exception {
        switch (type) {
            case "ext4" -> run("e2fsck", "-f", "-n", device);
            case "xfs" -> run("xfs_repair", "-n", device);
            default -> run("btrfs", "check", device);
        }
    }

    private static void run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertEquals(0, process.waitFor(), String.join(" ", command) + ": " + output);
    }

    @Test
    void aFilesystemThatIsThereIsOnlyOverwrittenByForce() throws Exception {
        try (FuseHost host = host(64 << 20)) {
            host.mount(file);
            String device = LoopDevices.attach(file, false);
            assertEquals("", Filesystems.signature(device));
            Filesystems.make("ext4", device, false);
            IOException refused =
                    assertThrows(IOException.class, () -> Filesystems.make("ext4", device, false));
            assertTrue(
                    refused.getMessage().startsWith(device + ": holds ext4 already"),
                    refused.getMessage());
            Filesystems.make("ext4", device, true);
            IOException unknown =
                    assertThrows(IOException.class, () -> Filesystems.make("fat", device, true));
            assertEquals(
                    "unknown filesystem \"fat\"; use one of btrfs, ext4, xfs",
                    unknown.getMessage());
            assertEquals(List.of(), Mounts.takeDown(file));
        }
    }
}

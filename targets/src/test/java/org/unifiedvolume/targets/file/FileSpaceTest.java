package org.unifiedvolume.targets.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.testkit.Asker;
import org.unifiedvolume.testkit.TestProcess;

/// What a local member does to its file, and what it says when the file or its filesystem lets it
/// down.
final class FileSpaceTest {
    private static final int MIB = 1 << 20;

    @TempDir private Path folder;

    private TestProcess process;

    @BeforeEach
    void start() {
        process = TestProcess.start();
    }

    @AfterEach
    void stop() {
        process.close();
    }

    private FileDevice open(Path file, long bytes) throws IOException {
        return FileDevice.open(FileOptions.of(file).creating(bytes), process.context());
    }

    private Asker asker(FileDevice device) {
        return new Asker(device, process.context());
    }

    private static byte[] filled(int length, int value) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private static long spaceOf(Path file) throws Exception {
        return Long.parseLong(output("stat", "-c", "%b", file.toString())) * 512;
    }

    private static String output(String... command) throws Exception {
        Process started = new ProcessBuilder(command).redirectErrorStream(true).start();
        String line = started.inputReader().readLine();
        assertEquals(0, started.waitFor(), String.join(" ", command) + ": " + line);
        return line;
    }

    @Test
    void discardsGiveSpaceBack() throws Exception {
        Path file = folder.resolve("a.img");
        try (FileDevice device = open(file, 16 * MIB)) {
            Asker asker = asker(device);
            asker.done(asker.write(0, filled(8 * MIB, 1), Durability.VOLATILE));
            asker.done(asker.flush());
            long full = spaceOf(file);
            assertTrue(full >= 8 * MIB, full + " bytes in use");
            asker.done(asker.discard(MIB, 6 * MIB));
            assertTrue(spaceOf(file) <= 3 * MIB, spaceOf(file) + " bytes in use");
            asker.done(asker.zero(0, MIB, true, false));
            assertTrue(spaceOf(file) <= 2 * MIB, spaceOf(file) + " bytes in use");
        }
    }

    @Test
    void zeroesThatKeepSpaceKeepIt() throws Exception {
        Path file = folder.resolve("a.img");
        try (FileDevice device = open(file, 16 * MIB)) {
            Asker asker = asker(device);
            asker.done(asker.write(0, filled(4 * MIB, 1), Durability.VOLATILE));
            asker.done(asker.flush());
            asker.done(asker.zero(0, 4 * MIB, false, false));
            assertTrue(spaceOf(file) >= 4 * MIB, spaceOf(file) + " bytes in use");
            assertTrue(Arrays.equals(new byte[MIB], asker.bytes(asker.read(MIB, MIB))));
        }
    }

    @Test
    void theAllocationMapFollowsEveryChange() throws Exception {
        try (FileDevice device = open(folder.resolve("a.img"), 16 * MIB)) {
            Asker asker = asker(device);
            assertEquals(
                    List.of(new Extent(16 * MIB, Extent.Kind.HOLE)),
                    asker.extents(asker.locate(0, 16 * MIB)));
            asker.done(asker.write(4 * MIB, filled(MIB, 1), Durability.VOLATILE));
            assertEquals(
                    List.of(
                            new Extent(4 * MIB, Extent.Kind.HOLE),
                            new Extent(MIB, Extent.Kind.DATA),
                            new Extent(11 * MIB, Extent.Kind.HOLE)),
                    asker.extents(asker.locate(0, 16 * MIB)));
            asker.done(asker.discard(4 * MIB, MIB / 2));
            assertEquals(
                    List.of(
                            new Extent(4 * MIB + MIB / 2, Extent.Kind.HOLE),
                            new Extent(MIB / 2, Extent.Kind.DATA),
                            new Extent(11 * MIB, Extent.Kind.HOLE)),
                    asker.extents(asker.locate(0, 16 * MIB)));
        }
    }

    /// On a filesystem in memory the kernel walks the pages for each question: 64 MiB of data take
    /// it milliseconds, and a thousand questions seconds.
    @Test
    void theAllocationMapIsRememberedAndNotWalkedAgain() throws Exception {
        Path file = Files.createTempFile(Path.of("/dev/shm"), "uvol-test", ".img");
        Files.delete(file);
        try (FileDevice device = open(file, 64 * MIB)) {
            Asker asker = asker(device);
            for (int at = 0; at < 64; at++) {
                asker.done(asker.write((long) at * MIB, filled(MIB, 1), Durability.VOLATILE));
            }
            long start = System.nanoTime();
            asker.extents(asker.locate(0, 64 * MIB));
            long walk = System.nanoTime() - start;
            start = System.nanoTime();
            for (int i = 0; i < 1000; i++) {
                asker.extents(asker.locate(i * 4096L, 32 * MIB));
            }
            long thousand = System.nanoTime() - start;
            assertTrue(
                    thousand < 20 * walk + 50_000_000,
                    "1,000 questions took %d µs, the first one %d µs"
                            .formatted(thousand / 1000, walk / 1000));
        } finally {
            Files.delete(file);
        }
    }

    @Test
    void aFullFilesystemFailsTheWriteAndNotTheMember() throws Exception {
        Path mount = Files.createDirectory(folder.resolve("small"));
        mountSmall(mount);
        try {
            try (FileDevice device = open(mount.resolve("a.img"), 16 * MIB)) {
                Asker asker = asker(device);
                asker.done(asker.write(0, filled(MIB, 7), Durability.VOLATILE));
                DeviceFault fault = null;
                for (int at = 1; at < 16 && fault == null; at++) {
                    var told = asker.write((long) at * MIB, filled(MIB, 1), Durability.VOLATILE);
                    if (!told.await().isSuccess()) {
                        fault = asker.fault(told);
                    }
                }
                assertTrue(fault != null, "16 MiB fit into 4");
                assertEquals(DeviceFault.Kind.NO_SPACE, fault.kind());
                assertTrue(fault.getMessage().contains("a.img"), fault.getMessage());
                assertTrue(fault.getMessage().contains("WRITE at offset"), fault.getMessage());
                assertTrue(fault.getMessage().contains("no space left"), fault.getMessage());
                assertEquals(DeviceStatus.State.ONLINE, device.status().state());
                assertTrue(Arrays.equals(filled(MIB, 7), asker.bytes(asker.read(0, MIB))));
                asker.done(asker.discard(MIB, 15 * MIB));
                asker.done(asker.write(10 * MIB, filled(MIB, 9), Durability.DURABLE));
                asker.done(asker.flush());
            }
        } finally {
            output("umount", mount.toString());
        }
    }

    private static void mountSmall(Path mount) throws Exception {
        Process mounting =
                new ProcessBuilder(
                                "mount",
                                "-t",
                                "tmpfs",
                                "-o",
                                "size=4m",
                                "uvol-test",
                                mount.toString())
                        .redirectErrorStream(true)
                        .start();
        mounting.getInputStream().readAllBytes();
        Assumptions.assumeTrue(mounting.waitFor() == 0, "may not mount here");
    }

    @Test
    void aFileThatIsCutWhileOpenFailsTheReadsBehindItsEnd() throws Exception {
        for (Path base : List.of(folder, Path.of("/dev/shm"))) {
            Path file = Files.createTempFile(base, "uvol-test", ".img");
            Files.delete(file);
            try (FileDevice device = open(file, 4 * MIB)) {
                Asker asker = asker(device);
                asker.done(asker.write(0, filled(4 * MIB, 5), Durability.VOLATILE));
                try (FileChannel other = FileChannel.open(file, StandardOpenOption.WRITE)) {
                    other.truncate(MIB);
                }
                assertTrue(Arrays.equals(filled(MIB, 5), asker.bytes(asker.read(0, MIB))));
                for (long offset : new long[] {2 * MIB, MIB - 4096}) {
                    DeviceFault fault = asker.fault(asker.read(offset, 8192));
                    assertEquals(DeviceFault.Kind.IO, fault.kind());
                    assertTrue(fault.getMessage().contains("was cut"), fault.getMessage());
                }
                assertEquals(
                        4 * MIB,
                        asker.extents(asker.locate(0, 4 * MIB)).stream()
                                .mapToLong(Extent::lengthBytes)
                                .sum());
                asker.done(asker.write(3 * MIB, filled(MIB, 6), Durability.VOLATILE));
                assertTrue(Arrays.equals(filled(MIB, 6), asker.bytes(asker.read(3 * MIB, MIB))));
                asker.done(asker.flush());
            } finally {
                Files.delete(file);
            }
        }
    }

    @Test
    void directIoTakesAnyPayload() throws Exception {
        FileOptions options =
                FileOptions.of(folder.resolve("a.img")).creating(16 * MIB).withDirect(true);
        try (FileDevice device = FileDevice.open(options, process.context())) {
            assertTrue(device.shape().blockBytes() > 1);
            assertEquals(device.shape().blockBytes(), device.shape().memoryAlignmentBytes());
            Asker asker = asker(device);
            byte[] bytes = filled(2 * MIB, 3);
            for (int i = 0; i < bytes.length; i += 511) {
                bytes[i] = (byte) i;
            }
            long before = Buffers.copiedBytes();
            Buffers aligned = asker.payload(bytes);
            long making = Buffers.copiedBytes() - before;
            asker.done(asker.write(0, aligned, Durability.VOLATILE));
            assertEquals(before + making, Buffers.copiedBytes(), "an aligned payload was copied");
            assertTrue(Arrays.equals(bytes, asker.bytes(asker.read(0, bytes.length))));
            asker.done(asker.write(MIB, asker.scattered(bytes, 1234), Durability.DURABLE));
            assertTrue(Arrays.equals(bytes, asker.bytes(asker.read(MIB, bytes.length))));
        }
    }
}

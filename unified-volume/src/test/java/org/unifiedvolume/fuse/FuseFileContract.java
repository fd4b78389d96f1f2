package org.unifiedvolume.fuse;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.FileCalls;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.testkit.MemoryDevice;

/// What a program sees that uses the exported file, whatever binding serves it.
abstract class FuseFileContract {
    static final int SIZE_BYTES = 8 << 20;

    @TempDir Path folder;
    Path file;
    MemoryDevice disk;

    /// How users name the binding.
    abstract String binding();

    /// What the volume is like.
    DeviceShape shape() {
        return DeviceShape.ofMemory(SIZE_BYTES);
    }

    @BeforeEach
    void needsFuse() {
        assumeTrue(FuseHost.problem() == null, FuseHost.problem());
        file = folder.resolve("disk.img");
    }

    final FuseHost host() {
        return new FuseHost(
                io -> {
                    disk = new MemoryDevice(shape(), Locality.LOCAL, io);
                    return disk;
                });
    }

    static byte[] random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    static byte[] read(FileChannel channel, long offset, int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length);
        while (bytes.hasRemaining()) {
            if (channel.read(bytes, offset + bytes.position()) < 0) {
                throw new IOException("the file ended at " + (offset + bytes.position()));
            }
        }
        return bytes.array();
    }

    final byte[] content(long offset, int length) {
        return disk.content().asSlice(offset, length).toArray(ValueLayout.JAVA_BYTE);
    }

    @Test
    void hasTheVolumesSizeAndIsARegularFile() throws Exception {
        try (FuseHost host = host()) {
            host.mount(file, "?binding=" + binding());
            assertTrue(Files.isRegularFile(file));
            assertEquals(SIZE_BYTES, Files.size(file));
        }
        assertFalse(Files.exists(file), "the file that was made for the mount is removed again");
    }

    @Test
    void returnsWhatWasWrittenAtAnyOffset() throws Exception {
        try (FuseHost host = host()) {
            host.mount(file, "?binding=" + binding());
            byte[] bytes = random(3_000_001);
            try (FileChannel channel = FileChannel.open(file, READ, WRITE)) {
                assertEquals(bytes.length, channel.write(ByteBuffer.wrap(bytes), 4099));
                assertArrayEquals(bytes, read(channel, 4099, bytes.length));
            }
            assertArrayEquals(bytes, content(4099, bytes.length));
        }
    }

    @Test
    void writesWithDsyncAreDurableAndFsyncFlushes() throws Exception {
        try (FuseHost host = host()) {
            host.mount(file, "?binding=" + binding());
            try (FileChannel channel = FileChannel.open(file, WRITE, StandardOpenOption.DSYNC)) {
                channel.write(ByteBuffer.wrap(random(4096)), 0);
            }
            assertTrue(
                    disk.asked().stream()
                            .anyMatch(
                                    request ->
                                            request instanceof IoRequest.Write write
                                                    && write.durability() == Durability.DURABLE));
            long before = flushes();
            try (FileChannel channel = FileChannel.open(file, WRITE)) {
                channel.force(true);
                assertEquals(before + 1, flushes());
            }
        }
    }

    private long flushes() {
        return disk.asked().stream().filter(IoRequest.Flush.class::isInstance).count();
    }

    @Test
    void isFlushedWhenAWriterClosesIt() throws Exception {
        try (FuseHost host = host()) {
            host.mount(file, "?binding=" + binding());
            try (FileChannel channel = FileChannel.open(file, WRITE)) {
                channel.write(ByteBuffer.wrap(random(512)), 0);
            }
            assertEquals(1, flushes());
            FileChannel.open(file, READ).close();
            assertEquals(1, flushes(), "a reader has nothing to flush");
        }
    }

    @Test
    void endsWhereTheVolumeEnds() throws Exception {
        try (FuseHost host = host()) {
            host.mount(file, "?binding=" + binding());
            try (FileChannel channel = FileChannel.open(file, READ, WRITE)) {
                ByteBuffer two = ByteBuffer.allocate(8192);
                assertEquals(4096, channel.read(two, SIZE_BYTES - 4096));
                assertEquals(-1, channel.read(two, SIZE_BYTES));
                assertEquals(4096, channel.write(ByteBuffer.allocate(8192), SIZE_BYTES - 4096));
                IOException full =
                        assertThrows(
                                IOException.class,
                                () -> channel.write(ByteBuffer.allocate(1), SIZE_BYTES));
                assertTrue(full.getMessage().contains("No space left"), full.getMessage());
            }
            assertEquals(SIZE_BYTES, Files.size(file));
        }
    }

    @Test
    void cannotBeTruncatedToAnotherSize() throws Exception {
        try (FuseHost host = host()) {
            host.mount(file, "?binding=" + binding());
            int fd = FileCalls.open(file.toString(), FileCalls.O_RDWR, 0);
            try {
                assertEquals(0, FileCalls.ftruncate(fd, SIZE_BYTES));
                assertEquals(-Errno.EPERM, FileCalls.ftruncate(fd, SIZE_BYTES / 2));
                assertEquals(-Errno.EPERM, FileCalls.ftruncate(fd, SIZE_BYTES * 2L));
            } finally {
                FileCalls.close(fd);
            }
            assertEquals(SIZE_BYTES, Files.size(file));
        }
    }

    @Test
    void takesTimesAndPermissions() throws Exception {
        try (FuseHost host = host()) {
            host.mount(file, "?binding=" + binding());
            FileTime time = FileTime.fromMillis(1_000_000_000_123L);
            Files.setLastModifiedTime(file, time);
            assertEquals(time, Files.getLastModifiedTime(file));
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
            assertEquals(
                    "rw-r-----",
                    PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        }
    }

    @Test
    void punchesAndZeroesRangesWithinItsSize() throws Exception {
        try (FuseHost host = host()) {
            host.mount(file, "?binding=" + binding());
            disk.content().fill((byte) 7);
            int fd = FileCalls.open(file.toString(), FileCalls.O_RDWR, 0);
            try {
                int punch = FileCalls.FALLOC_FL_PUNCH_HOLE | FileCalls.FALLOC_FL_KEEP_SIZE;
                assertEquals(0, FileCalls.fallocate(fd, punch, 4096, 8192));
                assertEquals(0, FileCalls.fallocate(fd, FileCalls.FALLOC_FL_ZERO_RANGE, 65536, 1));
                assertEquals(0, FileCalls.fallocate(fd, 0, 0, SIZE_BYTES));
                assertEquals(-Errno.ENOSPC, FileCalls.fallocate(fd, 0, 0, SIZE_BYTES + 1L));
                assertEquals(
                        -Errno.ENOSPC,
                        FileCalls.fallocate(
                                fd, FileCalls.FALLOC_FL_ZERO_RANGE, SIZE_BYTES - 1L, 2));
                assertEquals(0, FileCalls.fallocate(fd, punch, SIZE_BYTES - 4096L, 8192));
                int collapse = 0x8;
                assertEquals(-Errno.EOPNOTSUPP, FileCalls.fallocate(fd, collapse, 0, 4096));
            } finally {
                FileCalls.close(fd);
            }
            assertArrayEquals(new byte[8192], content(4096, 8192));
            assertArrayEquals(new byte[] {7, 0, 7}, content(65535, 3));
            assertArrayEquals(new byte[4096], content(SIZE_BYTES - 4096, 4096));
            assertEquals(7, content(4095, 1)[0]);
            assertEquals(7, content(12288, 1)[0]);
        }
    }

    @Test
    void showsAtOnceWhatOthersChange() throws Exception {
        try (FuseHost host = host()) {
            host.mount(file, "?binding=" + binding());
            try (FileChannel channel = FileChannel.open(file, READ)) {
                assertEquals(0, read(channel, 0, 1)[0]);
                disk.content().set(ValueLayout.JAVA_BYTE, 0, (byte) 9);
                assertEquals(9, read(channel, 0, 1)[0]);
            }
        }
    }

    @Test
    void refusesWritesWhenReadOnly() throws Exception {
        try (FuseHost host = host()) {
            host.mount(file, "?readonly=true&binding=" + binding());
            IOException refused =
                    assertThrows(IOException.class, () -> FileChannel.open(file, WRITE));
            assertTrue(refused.getMessage().contains("Read-only"), refused.getMessage());
            try (FileChannel channel = FileChannel.open(file, READ)) {
                assertEquals(0, read(channel, 0, 1)[0]);
            }
        }
    }

    @Test
    void keepsWhatManyWritersWriteAtOnce() throws Exception {
        try (FuseHost host = host()) {
            host.mount(file, "?binding=" + binding());
            Process fio =
                    new ProcessBuilder(
                                    "fio",
                                    "--name=verify",
                                    "--filename=" + file,
                                    "--size=" + SIZE_BYTES,
                                    "--rw=randwrite",
                                    "--bssplit=512/30:4k/40:20k/15:256k/15",
                                    "--blockalign=512",
                                    "--ioengine=libaio",
                                    "--iodepth=32",
                                    "--direct=1",
                                    "--verify=crc32c",
                                    "--verify_fatal=1",
                                    "--randseed=42")
                            .directory(folder.toFile())
                            .redirectErrorStream(true)
                            .start();
            String output = new String(fio.getInputStream().readAllBytes(), UTF_8);
            assertEquals(0, fio.waitFor(), output);
        }
    }
}

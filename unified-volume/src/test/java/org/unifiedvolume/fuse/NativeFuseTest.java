package org.unifiedvolume.fuse;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.FileCalls;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.testkit.MemoryDevice;

class NativeFuseTest extends FuseFileContract {
    private static final long MIB = 1 << 20;

    @Override
    String binding() {
        return "native";
    }

    @Test
    void handsAlignedPayloadsDownWithoutACopyAndOnPages() throws Exception {
        try (FuseHost host = host()) {
            host.mount(file, "?binding=" + binding());
            try (FileChannel channel = FileChannel.open(file, READ, WRITE)) {
                // The kernel cuts a request short when the program's own buffer is off the pages.
                ByteBuffer aligned = ByteBuffer.allocateDirect((1 << 20) + 4096);
                channel.write(aligned.alignedSlice(4096).limit(1 << 20), 0);
            }
            long copied = Buffers.copiedBytes();
            int moved = 0;
            for (IoRequest request : disk.asked()) {
                if (request instanceof IoRequest.Write write) {
                    assertTrue(write.source().isAligned(4096), "payloads lie on pages");
                    moved += (int) write.lengthBytes();
                }
            }
            assertEquals(1 << 20, moved);
            try (FileChannel channel = FileChannel.open(file, READ)) {
                read(channel, 0, 1 << 20);
            }
            // The device in memory copies once, as a disk would; nobody else does.
            assertEquals(copied + (1 << 20), Buffers.copiedBytes());
        }
    }

    @Test
    void canBeMappedAndShared() throws Exception {
        try (FuseHost host = host()) {
            host.mount(file, "?binding=" + binding());
            try (FileChannel channel = FileChannel.open(file, READ, WRITE)) {
                MappedByteBuffer map = channel.map(FileChannel.MapMode.READ_WRITE, 8192, 4096);
                map.put(0, (byte) 42);
                map.force();
                assertEquals(42, read(channel, 8192, 1)[0]);
            }
            assertEquals(42, content(8192, 1)[0]);
        }
    }

    @Test
    void findsDataAndHoles() throws Exception {
        ScriptedDevice[] disk = new ScriptedDevice[1];
        try (FuseHost host =
                new FuseHost(
                        io -> {
                            disk[0] =
                                    new ScriptedDevice(
                                            new MemoryDevice(SIZE_BYTES, Locality.LOCAL, io));
                            return disk[0];
                        })) {
            // hole, data, zeroes, data of unknown content, hole; told in steps of one
            disk[0].answer = NativeFuseTest::locate;
            host.mount(file);
            int fd = FileCalls.open(file.toString(), FileCalls.O_RDONLY, 0);
            assertEquals(MIB, FileCalls.lseek(fd, 0, FileCalls.SEEK_DATA));
            assertEquals(0, FileCalls.lseek(fd, 0, FileCalls.SEEK_HOLE));
            assertEquals(2 * MIB, FileCalls.lseek(fd, MIB + 5, FileCalls.SEEK_HOLE));
            assertEquals(MIB + 5, FileCalls.lseek(fd, MIB + 5, FileCalls.SEEK_DATA));
            assertEquals(3 * MIB, FileCalls.lseek(fd, 2 * MIB, FileCalls.SEEK_DATA));
            assertEquals(4 * MIB, FileCalls.lseek(fd, 3 * MIB, FileCalls.SEEK_HOLE));
            assertEquals(-Errno.ENXIO, FileCalls.lseek(fd, 4 * MIB, FileCalls.SEEK_DATA));
            assertEquals(-Errno.ENXIO, FileCalls.lseek(fd, SIZE_BYTES, FileCalls.SEEK_HOLE));
            FileCalls.close(fd);
        }
    }

    private static Outcome locate(IoRequest request) {
        if (!(request instanceof IoRequest.Locate)) {
            return null;
        }
        long at = request.offsetBytes();
        Extent.Kind kind =
                switch ((int) (at / MIB)) {
                    case 1 -> Extent.Kind.DATA;
                    case 2 -> Extent.Kind.ZERO;
                    case 3 -> Extent.Kind.UNDEFINED;
                    default -> Extent.Kind.HOLE;
                };
        return new Outcome.Located(List.of(new Extent(MIB - at % MIB, kind)));
    }

    /// A cache answers a long read with as many slices as it has blocks.
    @ParameterizedTest
    @ValueSource(ints = {1, 63, 256, 1023, 1024, 5000})
    void aReadMayComeInManyPieces(int pieces) throws Exception {
        ScriptedDevice[] disk = new ScriptedDevice[1];
        try (FuseHost host =
                new FuseHost(
                        io -> {
                            disk[0] =
                                    new ScriptedDevice(
                                            new MemoryDevice(SIZE_BYTES, Locality.LOCAL, io));
                            return disk[0];
                        })) {
            byte[] expected = random(pieces * 3);
            MemorySegment bytes = Arena.ofAuto().allocate(pieces * 4L);
            for (int i = 0; i < pieces; i++) {
                MemorySegment.copy(expected, i * 3, bytes, ValueLayout.JAVA_BYTE, i * 4L, 3);
            }
            Buffers[] parts = new Buffers[pieces];
            for (int i = 0; i < pieces; i++) {
                // a gap behind each, so that no two of them join
                parts[i] = Buffers.outsidePool(bytes.asSlice(i * 4L, 3));
            }
            disk[0].answer =
                    request ->
                            request instanceof IoRequest.Read
                                    ? new Outcome.Data(Buffers.concat(parts))
                                    : null;
            host.mount(file);
            try (FileChannel channel = FileChannel.open(file, READ)) {
                assertArrayEquals(expected, read(channel, 0, expected.length));
            }
        }
    }

    @Test
    void twoFilesOfOneVolumeShowTheSameBytes() throws Exception {
        try (FuseHost host = host()) {
            host.mount(file);
            Path other = host.mount(folder.resolve("the same, again.img"), "?readonly=true");
            try (FileChannel one = FileChannel.open(file, READ, WRITE);
                    FileChannel two = FileChannel.open(other, READ)) {
                byte[] bytes = random(300_000);
                one.write(ByteBuffer.wrap(bytes), 77);
                assertArrayEquals(bytes, read(two, 77, bytes.length));
            }
            assertEquals(2, host.volume.clients().size());
            host.unmount();
            assertEquals(0, host.volume.clients().size());
        }
    }
}

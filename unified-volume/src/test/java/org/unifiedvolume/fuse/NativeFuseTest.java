package org.unifiedvolume.fuse;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.request.IoRequest;

class NativeFuseTest extends FuseFileContract {
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
}

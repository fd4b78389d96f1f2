package org.unifiedvolume.targets.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.targets.file.FileDevice;
import org.unifiedvolume.targets.file.FileOptions;
import org.unifiedvolume.testkit.Asker;
import org.unifiedvolume.testkit.TestProcess;
import org.unifiedvolume.testkit.Told;

/// Nothing copies a payload on the way from a remote client through the NBD client, the server, the
/// volume, the stack and the member to a file, and back.
final class CopyCountTest {
    private static final int MIB = 1 << 20;
    private static final int TOTAL_BYTES = 16 * MIB;

    @ParameterizedTest
    @ValueSource(ints = {4096, 65_536, MIB, 4 * MIB})
    void noPayloadIsCopiedBetweenSocketAndFile(int requestBytes) throws Exception {
        Path file = Files.createTempFile(Path.of("/dev/shm"), "uvol-test", ".img");
        Files.delete(file);
        try (TestProcess process = TestProcess.start()) {
            FileDevice served =
                    FileDevice.open(FileOptions.of(file).creating(TOTAL_BYTES), process.context());
            try (NbdLoopback loopback = new NbdLoopback(process, served, null);
                    BlockDevice client = loopback.connect(1)) {
                Asker asker = new Asker(client, process.context());
                writeAll(asker, requestBytes);
                readAll(asker, requestBytes);
            }
        } finally {
            Files.delete(file);
        }
    }

    private static void writeAll(Asker asker, int requestBytes) {
        byte[] bytes = new byte[requestBytes];
        List<Buffers> payloads = new ArrayList<>();
        for (int at = 0; at < TOTAL_BYTES; at += requestBytes) {
            bytes[0] = (byte) (at / requestBytes);
            bytes[requestBytes - 1] = (byte) (at / requestBytes * 3);
            payloads.add(asker.payload(bytes));
        }
        long before = Buffers.copiedBytes();
        List<Told> writes = new ArrayList<>();
        for (int i = 0; i < payloads.size(); i++) {
            writes.add(asker.write((long) i * requestBytes, payloads.get(i), Durability.VOLATILE));
        }
        writes.forEach(asker::done);
        assertEquals(0, Buffers.copiedBytes() - before, "bytes copied while writing");
    }

    private static void readAll(Asker asker, int requestBytes) {
        long before = Buffers.copiedBytes();
        List<Told> reads = new ArrayList<>();
        for (int at = 0; at < TOTAL_BYTES; at += requestBytes) {
            reads.add(asker.read(at, requestBytes));
        }
        List<Buffers> answers = new ArrayList<>();
        for (Told read : reads) {
            answers.add(((Outcome.Data) read.await()).buffers());
        }
        assertEquals(0, Buffers.copiedBytes() - before, "bytes copied while reading");
        for (int i = 0; i < answers.size(); i++) {
            byte[] bytes = answers.get(i).toBytes();
            answers.get(i).release();
            assertEquals((byte) i, bytes[0]);
            assertEquals((byte) (i * 3), bytes[requestBytes - 1]);
        }
    }

    /// The counter counts: otherwise the test above could not fail.
    @Test
    void copiesAreCounted() {
        try (TestProcess process = TestProcess.start()) {
            Buffers target = process.pool().allocate(MIB);
            long before = Buffers.copiedBytes();
            target.copyFrom(0, MemorySegment.ofArray(new byte[MIB]), 0, MIB);
            assertEquals(MIB, Buffers.copiedBytes() - before);
            assertTrue(target.toBytes().length == MIB);
            assertEquals(2 * MIB, Buffers.copiedBytes() - before);
            target.release();
        }
    }
}

package org.unifiedvolume.buffer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.FileCalls;
import org.unifiedvolume.testkit.TestProcess;

/// A payload in a pipe goes into a file or into memory, never half of each, and leaves no pipe.
final class PipedBuffersTest {
    private static final int LENGTH_BYTES = 300_000;

    @TempDir private Path folder;
    private final TestProcess process = new TestProcess(8 << 20);
    private final Pipes pipes = new Pipes();
    private final byte[] sent = new byte[LENGTH_BYTES];
    private long pipesBefore;
    private int source;
    private int target;

    @BeforeEach
    void files() throws IOException {
        for (int i = 0; i < sent.length; i++) {
            sent[i] = (byte) (i * 31 + (i >> 8));
        }
        Path from = Files.write(folder.resolve("from"), sent);
        Path to = Files.write(folder.resolve("to"), new byte[2 * LENGTH_BYTES]);
        source = FileCalls.open(from.toString(), FileCalls.O_RDONLY, 0);
        target = FileCalls.open(to.toString(), FileCalls.O_RDWR, 0);
        pipesBefore = openPipes();
    }

    @AfterEach
    void nothingIsLeft() throws IOException {
        pipes.close();
        FileCalls.close(source);
        FileCalls.close(target);
        assertEquals(pipesBefore, openPipes());
        assertEquals(0, process.pool().outstandingBytes());
        process.close();
    }

    private static long openPipes() throws IOException {
        long count = 0;
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            for (Path one : open.toList()) {
                count += isPipe(one) ? 1 : 0;
            }
        }
        return count;
    }

    private static boolean isPipe(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString().startsWith("pipe:");
        } catch (IOException e) {
            return false; // closed meanwhile
        }
    }

    private PipedBuffers filled() {
        PipedBuffers payload = PipedBuffers.begin(pipes, process.pool(), LENGTH_BYTES);
        while (!payload.isFull()) {
            assertTrue(payload.fillFrom(source) > 0);
        }
        return payload;
    }

    private byte[] stored() throws IOException {
        return Files.readAllBytes(folder.resolve("to"));
    }

    @Test
    void isMovedIntoAFileAndGoneThen() throws IOException {
        PipedBuffers payload = filled();
        assertEquals(0, payload.drainTo(target, 12_345));
        assertArrayEquals(sent, Arrays.copyOfRange(stored(), 12_345, 12_345 + LENGTH_BYTES));
        assertThrows(AssertionError.class, () -> payload.slice(0));
        payload.release();
    }

    @Test
    void isFetchedWhenSomebodyLooksAtIt() throws IOException {
        PipedBuffers payload = filled();
        payload.retain();
        assertArrayEquals(
                Arrays.copyOfRange(sent, 70_000, 170_000), payload.part(70_000, 100_000).toBytes());
        assertArrayEquals(sent, payload.toBytes());
        assertEquals(-Errno.EINVAL, payload.drainTo(target, 0));
        assertArrayEquals(new byte[2 * LENGTH_BYTES], stored());
        payload.release();
        assertEquals(sent[5], payload.slice(0).toBytes()[5]);
        payload.release();
    }

    @Test
    void aFileThatTakesNothingFailsIt() throws IOException {
        PipedBuffers payload = filled();
        assertEquals(-Errno.EBADF, payload.drainTo(source, 0)); // open for reading only
        assertThrows(AssertionError.class, payload::toBytes);
        payload.release();
        assertArrayEquals(sent, Files.readAllBytes(folder.resolve("from")));
    }

    @Test
    void whatHasArrivedGoesToMemoryIfThePipeIsGivenUp() {
        PipedBuffers payload = PipedBuffers.begin(pipes, process.pool(), LENGTH_BYTES);
        long there = payload.fillFrom(source);
        assertTrue(there > 0);
        Buffers memory = payload.toMemory();
        assertArrayEquals(Arrays.copyOf(sent, (int) there), memory.part(0, there).toBytes());
        memory.release();
    }

    @Test
    void aPayloadThatNobodyWantsTakesItsPipeAlong() {
        filled().release();
    }

    @Test
    void thereAreSoManyPipesAndNoMore() {
        List<PipedBuffers> all = new ArrayList<>();
        PipedBuffers next = PipedBuffers.begin(pipes, process.pool(), 4096);
        while (next != null) {
            all.add(next);
            next = PipedBuffers.begin(pipes, process.pool(), 4096);
        }
        assertEquals(16, all.size());
        all.removeFirst().release();
        next = PipedBuffers.begin(pipes, process.pool(), 4096);
        assertNotNull(next);
        next.release();
        pipes.close();
        all.forEach(PipedBuffers::release);
        assertNull(PipedBuffers.begin(pipes, process.pool(), 4096));
    }
}

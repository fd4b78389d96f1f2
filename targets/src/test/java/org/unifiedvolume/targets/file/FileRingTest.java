package org.unifiedvolume.targets.file;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.FileCalls;
import org.unifiedvolume.linux.IoRing;
import org.unifiedvolume.loop.EventLoop;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.IoRequest.Write;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.testkit.Asker;
import org.unifiedvolume.testkit.Seeds;
import org.unifiedvolume.testkit.TestProcess;
import org.unifiedvolume.testkit.Told;

/// File members whose slow I/O goes through the rings of the loops.
@Timeout(60)
final class FileRingTest {
    private static final int SIZE_BYTES = 4 << 20;

    @TempDir private Path folder;
    private final TestProcess process = TestProcess.start();
    private FileDevice file;
    private BlockDevice device;
    private Asker asker;

    @BeforeEach
    void needsRings() {
        RingAvailable.orSkip();
    }

    @AfterEach
    void everythingIsGivenBack() {
        if (device != null) {
            device.close();
            asker.checkAll();
        }
        process.close();
    }

    private void open(Path path, boolean direct, LaneChoice lane, long bytes) throws IOException {
        FileOptions options = FileOptions.of(path).creating(bytes).withDirect(direct);
        file = FileDevice.open(options.withLane(lane), process.context());
        device = new OnLoops(file, process.loops());
        asker = new Asker(device, process.context());
    }

    private void open(boolean direct, LaneChoice lane) throws IOException {
        open(folder.resolve("ring.img"), direct, lane, SIZE_BYTES);
    }

    private static byte[] bytes(int seed, int length) {
        byte[] bytes = new byte[length];
        Seeds.random(seed).nextBytes(bytes);
        return bytes;
    }

    private static boolean hasWorkers() {
        return Thread.getAllStackTraces().keySet().stream()
                .anyMatch(thread -> thread.getName().startsWith("uvol-io-ring.img"));
    }

    private void writeAndReadBack() {
        byte[] content = bytes(1, 256 * 1024);
        List<Told> writes = new ArrayList<>();
        for (int at = 0; at < content.length; at += 4096) {
            byte[] part = Arrays.copyOfRange(content, at, at + 4096);
            writes.add(
                    asker.write(
                            at, part, at % 8192 == 0 ? Durability.VOLATILE : Durability.DURABLE));
        }
        writes.forEach(asker::done);
        assertArrayEquals(content, asker.bytes(asker.read(0, content.length)));
    }

    @Test
    void needNoThreadForDirectReadsAndWrites() throws Exception {
        open(true, LaneChoice.AUTO);
        writeAndReadBack();
        assertFalse(hasWorkers(), "a thread was started");
    }

    @Test
    void needNoThreadForFlushesThatAreToTakeTheRing() throws Exception {
        open(true, LaneChoice.URING);
        asker.done(asker.write(0, bytes(2, 4096), Durability.VOLATILE));
        asker.done(asker.flush());
        assertFalse(hasWorkers(), "a thread was started");
    }

    @Test
    void needNoThreadForColdBufferedReads() throws Exception {
        Path path = folder.resolve("ring.img");
        byte[] content = bytes(6, SIZE_BYTES);
        Files.write(path, content);
        run("sync", path.toString());
        run("dd", "if=" + path, "iflag=nocache", "count=0"); // out of the page cache
        int fd = FileCalls.open(path.toString(), FileCalls.O_RDONLY, 0);
        boolean cached = FileCalls.isCached(fd, 0, 4096);
        FileCalls.close(fd);
        Assumptions.assumeFalse(cached, "this filesystem keeps files in memory");
        open(false, LaneChoice.AUTO);
        List<Told> reads = new ArrayList<>();
        for (int at = 0; at < SIZE_BYTES; at += 65536) {
            reads.add(asker.read(at, 65536));
        }
        for (int i = 0; i < reads.size(); i++) {
            assertArrayEquals(
                    Arrays.copyOfRange(content, i * 65536, (i + 1) * 65536),
                    asker.bytes(reads.get(i)));
        }
        assertFalse(hasWorkers(), "a thread was started");
    }

    @Test
    void useThreadsWhereThatIsAskedFor() throws Exception {
        open(true, LaneChoice.WORKERS);
        writeAndReadBack();
        assertTrue(hasWorkers());
    }

    @Test
    void useThreadsWhereTheKernelRefusesRings() throws Exception {
        CountDownLatch refused = new CountDownLatch(process.loops().size());
        for (int i = 0; i < process.loops().size(); i++) {
            EventLoop loop = process.loops().get(i);
            loop.execute(
                    () -> {
                        loop.companion(LoopRing.class, FileRingTest::refusedRing);
                        refused.countDown();
                    });
        }
        refused.await();
        open(true, LaneChoice.URING);
        writeAndReadBack();
        asker.done(asker.flush());
        assertTrue(hasWorkers());
    }

    private static LoopRing refusedRing(EventLoop loop) {
        LoopRing.Opener refusing =
                (entries, workers) -> {
                    throw new IOException("io_uring_setup answered " + Errno.meaning(Errno.EPERM));
                };
        return LoopRing.open(loop, refusing, LoopRing.Limits.DEFAULT);
    }

    @Test
    void useThreadsForRequestsThatComeFromNoLoop() throws Exception {
        open(true, LaneChoice.URING);
        Asker elsewhere = new Asker(file, process.context());
        byte[] content = bytes(3, 8192);
        elsewhere.done(elsewhere.write(4096, content, Durability.DURABLE));
        assertArrayEquals(content, elsewhere.bytes(elsewhere.read(4096, 8192)));
        assertTrue(hasWorkers());
    }

    @Test
    void refuseRingsOfNoSize() {
        IOException refused = null;
        try {
            IoRing.open(0, 1).close();
        } catch (IOException e) {
            refused = e;
        }
        assertTrue(refused != null && refused.getMessage().contains("EINVAL"), "" + refused);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void sayThatTheFileWasCut(boolean direct) throws Exception {
        open(direct, LaneChoice.URING);
        asker.done(asker.write(0, bytes(4, 65536), Durability.DURABLE));
        try (RandomAccessFile other =
                new RandomAccessFile(folder.resolve("ring.img").toFile(), "rw")) {
            other.setLength(10_000);
        }
        for (long offset : new long[] {0, 8192, 1 << 20}) {
            DeviceFault fault = asker.fault(asker.read(offset, 65536));
            assertEquals(DeviceFault.Kind.IO, fault.kind());
            assertTrue(
                    fault.getMessage().contains("was cut")
                            && fault.getMessage().contains("offset " + offset),
                    fault.getMessage());
        }
        assertEquals(4096, asker.bytes(asker.read(4096, 4096)).length);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void goOnWhereACallCannotTakeAllSlices(boolean direct) throws Exception {
        open(direct, LaneChoice.URING);
        byte[] content = bytes(5, 300 * 4096);
        asker.done(asker.write(8192, pages(content), Durability.VOLATILE));
        asker.done(asker.write(2 << 20, pages(content), Durability.DURABLE));
        assertArrayEquals(content, asker.bytes(asker.read(8192, content.length)));
        assertArrayEquals(content, asker.bytes(asker.read(2 << 20, content.length)));
        assertFalse(hasWorkers(), "a thread was started");
    }

    /// A payload in pages, no two of which lie together in memory.
    private Buffers pages(byte[] content) {
        Buffers[] pages = new Buffers[content.length / 4096];
        for (int i = 0; i < pages.length; i++) {
            pages[i] = asker.payload(Arrays.copyOfRange(content, i * 4096, i * 4096 + 4096));
        }
        return inOrderOfMemoryReversed(content, pages);
    }

    private Buffers inOrderOfMemoryReversed(byte[] content, Buffers[] pages) {
        Arrays.sort(pages, (a, b) -> Long.compare(b.slice(0).address(), a.slice(0).address()));
        for (int i = 0; i < pages.length; i++) {
            pages[i].copyFrom(0, MemorySegment.ofArray(content), i * 4096L, 4096);
        }
        return Buffers.concat(pages);
    }

    @Test
    void sayThatTheDiskIsFull() throws Exception {
        Path image = folder.resolve("small.ext4");
        Path mount = Files.createDirectory(folder.resolve("small"));
        try (RandomAccessFile small = new RandomAccessFile(image.toFile(), "rw")) {
            small.setLength(8 << 20);
        }
        run("mkfs.ext4", "-q", image.toString());
        run("mount", "-o", "loop", image.toString(), mount.toString());
        try {
            open(mount.resolve("ring.img"), true, LaneChoice.URING, 64 << 20);
            DeviceFault fault = null;
            for (int i = 0; i < 64 && fault == null; i++) {
                Told write = asker.write((long) i << 20, bytes(i, 1 << 20), Durability.VOLATILE);
                if (write.await() instanceof Outcome.Failed(DeviceFault why)) {
                    fault = why;
                }
            }
            assertTrue(fault != null, "64 MiB fit into 8 MiB");
            assertEquals(DeviceFault.Kind.NO_SPACE, fault.kind(), fault.getMessage());
            assertFalse(hasWorkers(), "a thread was started");
            device.close();
        } finally {
            run("umount", mount.toString());
        }
    }

    private static void run(String... command) throws Exception {
        Process started = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(started.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, started.waitFor(), String.join(" ", command) + ": " + output);
    }

    @Test
    void closeOnlyWhenTheKernelIsDone() throws Exception {
        open(true, LaneChoice.URING);
        List<Told> underWay = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            underWay.add(asker.read(i * 4096L, 4096));
        }
        device.close();
        for (Told told : underWay) {
            told.await().discard();
        }
        // The lock on the file is gone, so the descriptor was closed.
        FileDevice.open(FileOptions.of(folder.resolve("ring.img")), process.context()).close();
    }

    @Test
    void closeOnALoopThatStillHasRequestsUnderWay() throws Exception {
        open(true, LaneChoice.URING);
        Asker direct = new Asker(file, process.context());
        List<Told> underWay = new ArrayList<>();
        CountDownLatch closed = new CountDownLatch(1);
        process.loops()
                .get(0)
                .execute(
                        () -> {
                            for (int i = 0; i < 300; i++) {
                                underWay.add(direct.read(i * 4096L, 4096));
                            }
                            file.close();
                            closed.countDown();
                        });
        assertTrue(closed.await(5, TimeUnit.SECONDS), "closing waits for itself");
        underWay.forEach(direct::bytes);
    }

    @Test
    void keepTheMemoryOfWhatTheKernelMayStillUse() throws Exception {
        open(true, LaneChoice.URING);
        OpenFile opened = new OpenFile(0, SIZE_BYTES, 4096, false, false);
        Buffers target = process.pool().allocate(4096);
        Told read = new Told(new Read(asker.tag(Operation.READ, 0, 4096), 0, 4096));
        new RingRead(file, opened, (Read) read.submitted(), target, 0, read).abandon("a test");
        assertTrue(read.await() instanceof Outcome.Failed);
        Buffers source = process.pool().allocate(4096);
        Told write =
                new Told(
                        new Write(
                                asker.tag(Operation.WRITE, 0, 4096),
                                0,
                                source,
                                Durability.VOLATILE));
        source.retain(); // the ring's own reference
        new RingWrite(file, opened, (Write) write.submitted(), source, 0, write).abandon("a test");
        assertTrue(write.await() instanceof Outcome.Failed);
        assertEquals(8192, process.pool().outstandingBytes());
        target.release();
        source.release();
    }

    @Test
    void tryAgainWhatWasInterruptedButNotForEver() throws Exception {
        open(true, LaneChoice.URING);
        RingFlush flush = new RingFlush(file, 0, null, null);
        assertEquals(0, flush.howFlags());
        for (int i = 0; i < 50; i++) {
            assertTrue(flush.takes(-Errno.EAGAIN));
            assertTrue(flush.takes(-Errno.EINTR));
        }
        assertEquals(IoRing.ASYNC, flush.howFlags());
        assertFalse(flush.takes(-Errno.EAGAIN));
    }
}

package org.unifiedvolume.targets.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.FileCalls;
import org.unifiedvolume.linux.IoRing;
import org.unifiedvolume.loop.EventLoop;
import org.unifiedvolume.testkit.TestProcess;

/// A ring with few places, over named pipes: a read stays with the kernel until a byte is written.
@Timeout(60)
final class LoopRingTest {
    private static final int ENTRIES = 4;
    private static final int PER_DEVICE = 2;
    private static final long SHORT_NANOS = 200_000_000;
    private static final long LONG_NANOS = 20_000_000_000L;

    @TempDir private Path folder;
    private final EventLoop loop = new EventLoop(0);
    private final List<Integer> pipes = new ArrayList<>();
    private final List<String> events = new CopyOnWriteArrayList<>();
    private final MemorySegment memory = Arena.ofAuto().allocate(4096, 4096);
    private LoopRing ring;

    /// Reads one byte of a pipe, and writes down what happens to it.
    private class ByteRead extends RingOperation {
        private final String name;
        private final int pipe;
        private final int place;
        private long result;

        ByteRead(String name, int pipe, int place) {
            this.name = name;
            this.pipe = pipe;
            this.place = place;
        }

        @Override
        void add(RingSlot slot, int howFlags) {
            events.add("start " + name);
            slot.add(IoRing.READ, pipe, -1, memory.address() + place, 1, 0, howFlags);
        }

        @Override
        boolean took(long answer) {
            result = answer;
            return false;
        }

        @Override
        void finish() {
            events.add("answer " + name + " " + result);
        }

        @Override
        void refuse(String reason) {
            events.add("refuse " + name);
        }

        @Override
        void abandon(String reason) {
            events.add("abandon " + name);
        }
    }

    @BeforeEach
    void startTheLoop() {
        RingAvailable.orSkip();
        loop.start();
    }

    private void openRing(long closeNanos) throws Exception {
        LoopRing.Limits limits = new LoopRing.Limits(ENTRIES, PER_DEVICE, closeNanos);
        onLoop(() -> loop.companion(LoopRing.class, l -> LoopRing.open(l, IoRing::open, limits)));
        ring = onLoop(LoopRing::current);
    }

    @AfterEach
    void close() {
        loop.close();
        pipes.forEach(FileCalls::close);
    }

    private <T> T onLoop(Supplier<T> task) throws Exception {
        CompletableFuture<T> result = new CompletableFuture<>();
        loop.execute(
                () -> {
                    try {
                        result.complete(task.get());
                    } catch (Throwable e) {
                        result.completeExceptionally(e);
                    }
                });
        return result.get(20, TimeUnit.SECONDS);
    }

    private int pipe(String name) throws Exception {
        Path path = folder.resolve(name);
        Process mkfifo = new ProcessBuilder("mkfifo", path.toString()).start();
        assertEquals(0, mkfifo.waitFor());
        int fd = FileCalls.open(path.toString(), FileCalls.O_RDWR, 0);
        assertTrue(fd >= 0, Errno.meaning(fd));
        pipes.add(fd);
        return fd;
    }

    private void write(int pipe, int count) {
        assertEquals(count, FileCalls.write(pipe, memory.address() + 2048, count));
    }

    private void start(RingShare share, int pipe, String... names) throws Exception {
        onLoop(
                () -> {
                    for (String name : names) {
                        ring.start(new ByteRead(name, pipe, 0), share);
                    }
                    return null;
                });
    }

    private long count(String prefix) {
        return events.stream().filter(event -> event.startsWith(prefix)).count();
    }

    @Test
    void neverHasMoreUnderWayThanADeviceMayHave() throws Exception {
        openRing(LONG_NANOS);
        int pipe = pipe("a");
        start(new RingShare(), pipe, "a0", "a1", "a2", "a3", "a4");
        assertEquals(List.of("start a0", "start a1"), events);
        assertEquals(2, (int) onLoop(ring::underWay));
        write(pipe, 1);
        TestProcess.await("the third starts", () -> count("start") == 3);
        assertEquals(1, count("answer"));
        write(pipe, 4);
        TestProcess.await("all are answered", () -> count("answer") == 5);
        assertEquals(
                List.of("start a0", "start a1", "start a2", "start a3", "start a4"),
                events.stream().filter(event -> event.startsWith("start")).toList());
        assertEquals(0, (int) onLoop(ring::underWay));
    }

    @Test
    void leavesRoomForOthersBesideADeviceThatDoesNotAnswer() throws Exception {
        openRing(LONG_NANOS);
        int hung = pipe("hung");
        start(new RingShare(), hung, "h0", "h1", "h2", "h3", "h4", "h5");
        int pipe = pipe("a");
        write(pipe, 3);
        start(new RingShare(), pipe, "a0", "a1", "a2");
        TestProcess.await("the others are answered", () -> count("answer a") == 3);
        assertEquals(0, count("answer h"));
        write(hung, 6);
        TestProcess.await("all are answered", () -> count("answer h") == 6);
    }

    @Test
    void servesDevicesInTurnWhenItIsFull() throws Exception {
        openRing(LONG_NANOS);
        int first = pipe("first");
        int second = pipe("second");
        start(new RingShare(), first, "f0", "f1");
        start(new RingShare(), second, "s0", "s1");
        int a = pipe("a");
        int b = pipe("b");
        write(a, 3);
        write(b, 3);
        start(new RingShare(), a, "a0", "a1", "a2");
        start(new RingShare(), b, "b0", "b1", "b2");
        assertEquals(4, count("start"));
        write(first, 1);
        TestProcess.await("those that waited are answered", () -> count("answer") == 7);
        List<String> starts =
                events.stream().filter(event -> event.startsWith("start")).skip(4).toList();
        assertEquals(
                List.of("start a0", "start b0", "start a1", "start b1", "start a2", "start b2"),
                starts);
        write(first, 1);
        write(second, 2);
        TestProcess.await("all are answered", () -> count("answer") == 10);
    }

    @Test
    void waitsForWhatIsUnderWayWhenItsLoopEnds() throws Exception {
        openRing(LONG_NANOS);
        int pipe = pipe("a");
        start(new RingShare(), pipe, "a0", "a1", "a2");
        Thread closing = Thread.ofVirtual().start(loop::close);
        TestProcess.await("the loop is closing", () -> closing.getState() != Thread.State.NEW);
        write(pipe, 3);
        assertTrue(closing.join(Duration.ofSeconds(20)));
        assertEquals(2 + (int) count("answer a2"), count("answer"));
        assertEquals(3, count("answer") + count("refuse"));
        assertEquals(0, count("abandon"));
    }

    @Test
    void abandonsWhatNeverEndsAndRefusesTheRest() throws Exception {
        openRing(SHORT_NANOS);
        int pipe = pipe("a");
        start(new RingShare(), pipe, "a0", "a1", "a2");
        loop.close();
        assertEquals(
                List.of("start a0", "start a1", "refuse a2", "abandon a0", "abandon a1"), events);
    }

    @Test
    void goesOnAfterAnAnswerThatIsTakenBadly() throws Exception {
        openRing(LONG_NANOS);
        int pipe = pipe("a");
        RingShare share = new RingShare();
        onLoop(
                () -> {
                    ring.start(
                            new ByteRead("bad", pipe, 0) {
                                @Override
                                void finish() {
                                    super.finish();
                                    throw new IllegalStateException("made to fail by a test");
                                }
                            },
                            share);
                    return null;
                });
        start(share, pipe, "a0");
        write(pipe, 2);
        TestProcess.await("both are answered", () -> count("answer") == 2);
    }

    @Test
    void isUsedNoMoreAfterItBroke() throws Exception {
        openRing(LONG_NANOS);
        int pipe = pipe("a");
        start(new RingShare(), pipe, "a0");
        int other = pipe("b");
        onLoop(
                () -> {
                    ring.start(
                            new ByteRead("bad", other, 0) {
                                @Override
                                boolean took(long answer) {
                                    throw new IllegalStateException("made to fail by a test");
                                }
                            },
                            new RingShare());
                    return null;
                });
        write(other, 1);
        TestProcess.await("everything is given up", () -> count("abandon") == 2);
        assertNull(onLoop(LoopRing::current));
    }
}

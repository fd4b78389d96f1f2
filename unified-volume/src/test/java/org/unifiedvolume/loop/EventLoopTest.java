package org.unifiedvolume.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.unifiedvolume.device.Timers;
import org.unifiedvolume.linux.EpollCalls;
import org.unifiedvolume.linux.FileCalls;

@Timeout(60)
final class EventLoopTest {
    private final EventLoop loop = new EventLoop(7);

    @BeforeEach
    void start() {
        loop.start();
    }

    @AfterEach
    void stop() {
        loop.close();
    }

    /// Runs something on the loop and waits for its result.
    private <T> T onLoop(java.util.concurrent.Callable<T> task) throws Exception {
        CompletableFuture<T> result = new CompletableFuture<>();
        loop.execute(
                () -> {
                    try {
                        result.complete(task.call());
                    } catch (Exception e) {
                        result.completeExceptionally(e);
                    }
                });
        return result.get(20, TimeUnit.SECONDS);
    }

    @Test
    void tasksRunOnTheLoopInTheOrderOfTheirComing() throws Exception {
        List<Integer> order = new ArrayList<>();
        CountDownLatch last = new CountDownLatch(1);
        for (int i = 0; i < 1000; i++) {
            int number = i;
            loop.execute(() -> order.add(number));
        }
        loop.execute(last::countDown);
        assertTrue(last.await(20, TimeUnit.SECONDS));
        for (int i = 0; i < 1000; i++) {
            assertEquals(i, order.get(i));
        }
        assertTrue(onLoop(loop::inLoop));
        assertSame(loop, onLoop(EventLoop::current));
        assertFalse(loop.inLoop());
        assertEquals("uvol-loop-7", onLoop(() -> Thread.currentThread().getName()));
    }

    /// A wake-up that is lost leaves the task until the next event, which never comes here.
    @Test
    void noWakeUpIsLost() throws Exception {
        int threads = 3;
        int each = 5000;
        AtomicInteger ran = new AtomicInteger();
        List<Thread> senders = new ArrayList<>();
        for (int t = 0; t < threads; t++) {
            senders.add(
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        for (int i = 0; i < each; i++) {
                                            CountDownLatch done = new CountDownLatch(1);
                                            loop.execute(
                                                    () -> {
                                                        ran.incrementAndGet();
                                                        done.countDown();
                                                    });
                                            awaitQuietly(done);
                                        }
                                    }));
        }
        for (Thread sender : senders) {
            sender.join();
        }
        assertEquals(threads * each, ran.get());
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            if (!latch.await(20, TimeUnit.SECONDS)) {
                throw new AssertionError("a task was left lying");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void timersFireInOrderNotTooEarlyAndNotWhenCancelled() throws Exception {
        ConcurrentLinkedQueue<String> fired = new ConcurrentLinkedQueue<>();
        CountDownLatch last = new CountDownLatch(1);
        long start = System.nanoTime();
        CompletableFuture<Long> firedAt = new CompletableFuture<>();
        loop.after(
                30_000_000,
                () -> {
                    fired.add("c");
                    firedAt.complete(System.nanoTime());
                    last.countDown();
                });
        loop.after(10_000_000, () -> fired.add("a"));
        loop.after(20_000_000, () -> fired.add("b"));
        Timers.Cancellable cancelled = loop.after(15_000_000, () -> fired.add("never"));
        cancelled.cancel();
        onLoop(() -> loop.after(1_000_000, () -> fired.add("0")));
        assertTrue(last.await(20, TimeUnit.SECONDS));
        assertEquals(List.of("0", "a", "b", "c"), List.copyOf(fired));
        assertTrue(firedAt.get() - start >= 30_000_000);
    }

    @Test
    void endTasksRunAfterTheTasksOfTheirTurn() throws Exception {
        List<String> order = new ArrayList<>();
        CountDownLatch done = new CountDownLatch(1);
        onLoop(
                () -> {
                    loop.execute(() -> order.add("second task"));
                    loop.atEnd(
                            () -> {
                                order.add("end");
                                loop.atEnd(
                                        () -> {
                                            order.add("end of the end");
                                            done.countDown();
                                        });
                            });
                    return order.add("first task");
                });
        assertTrue(done.await(20, TimeUnit.SECONDS));
        assertEquals("first task", order.getFirst());
        assertTrue(order.indexOf("end") < order.indexOf("end of the end"));
    }

    @Test
    void aTaskThatThrowsHurtsNobodyElse() throws Exception {
        loop.execute(
                () -> {
                    throw new IllegalStateException("for this test");
                });
        loop.after(
                0,
                () -> {
                    throw new AssertionError("for this test");
                });
        assertEquals(5, onLoop(() -> 5));
    }

    @Test
    void aHandlerThatThrowsIsToldAndServedNoMore() throws Exception {
        int fd = EpollCalls.eventfd();
        CompletableFuture<Throwable> broken = new CompletableFuture<>();
        AtomicInteger calls = new AtomicInteger();
        onLoop(
                () ->
                        loop.register(
                                fd,
                                EpollCalls.EPOLLOUT,
                                new EventLoop.Handler() {
                                    @Override
                                    public void ready(int mask) {
                                        calls.incrementAndGet();
                                        throw new IllegalStateException("for this test");
                                    }

                                    @Override
                                    public void broken(Throwable cause) {
                                        broken.complete(cause);
                                    }
                                }));
        assertEquals("for this test", broken.get(20, TimeUnit.SECONDS).getMessage());
        assertEquals(5, onLoop(() -> 5));
        assertEquals(1, calls.get());
        FileCalls.close(fd);
    }

    @Test
    void anIdleLoopTakesNoCpu() throws Exception {
        onLoop(() -> 1);
        long thread = onLoop(() -> Thread.currentThread().threadId());
        var threads = ManagementFactory.getThreadMXBean();
        CountDownLatch half = new CountDownLatch(1);
        loop.after(500_000_000, half::countDown);
        long before = threads.getThreadCpuTime(thread);
        assertTrue(half.await(20, TimeUnit.SECONDS));
        long used = threads.getThreadCpuTime(thread) - before;
        assertTrue(used < 100_000_000, used / 1000 + " µs in half a second of nothing");
    }

    @Test
    void whatWasGivenBeforeClosingStillRuns() {
        AtomicInteger ran = new AtomicInteger();
        for (int i = 0; i < 100; i++) {
            loop.execute(ran::incrementAndGet);
        }
        loop.close();
        assertEquals(100, ran.get());
    }
}

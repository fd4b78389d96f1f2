package org.unifiedvolume.targets.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.testkit.TestProcess;

final class WorkerLaneTest {
    @Test
    void aStuckDiskStallsNoOther() throws Exception {
        CountDownLatch stuck = new CountDownLatch(1);
        CountDownLatch other = new CountDownLatch(100);
        try (WorkerLane slow = new WorkerLane("slow", 2);
                WorkerLane quick = new WorkerLane("quick", 2)) {
            for (int i = 0; i < 10; i++) {
                slow.run(
                        () -> {
                            try {
                                stuck.await();
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            }
                        });
            }
            for (int i = 0; i < 100; i++) {
                quick.run(other::countDown);
            }
            assertTrue(other.await(10, TimeUnit.SECONDS), "the other lane waits too");
            assertEquals(1, stuck.getCount());
            stuck.countDown();
        }
    }

    @Test
    void runsAtMostSoManyAtOnceAndAllBeforeItEnds() {
        AtomicInteger now = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        AtomicInteger done = new AtomicInteger();
        try (WorkerLane lane = new WorkerLane("test", 3)) {
            for (int i = 0; i < 1000; i++) {
                lane.run(
                        () -> {
                            most.accumulateAndGet(now.incrementAndGet(), Math::max);
                            Thread.onSpinWait();
                            now.decrementAndGet();
                            done.incrementAndGet();
                        });
            }
        }
        assertEquals(1000, done.get());
        assertTrue(most.get() <= 3, most + " at once");
    }

    @Test
    void namesItsThreadsAfterTheMember() throws Exception {
        CountDownLatch told = new CountDownLatch(1);
        String[] name = {""};
        try (WorkerLane lane = new WorkerLane("threads.img", 1)) {
            lane.run(
                    () -> {
                        name[0] = Thread.currentThread().getName();
                        told.countDown();
                    });
            assertTrue(told.await(10, TimeUnit.SECONDS));
        }
        assertTrue(name[0].startsWith("uvol-io-threads.img-"), name[0]);
        TestProcess.await(
                "no thread is left",
                () ->
                        Thread.getAllStackTraces().keySet().stream()
                                .noneMatch(
                                        thread ->
                                                thread.getName()
                                                        .startsWith("uvol-io-threads.img-")));
    }
}

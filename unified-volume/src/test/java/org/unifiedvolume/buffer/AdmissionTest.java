package org.unifiedvolume.buffer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.testkit.Seeds;
import org.unifiedvolume.testkit.TestProcess;

final class AdmissionTest {
    private final Admission admission = new Admission(100);
    private final List<String> admitted = new ArrayList<>();

    private boolean acquire(long bytes, String name) {
        return admission.acquire(bytes, () -> admitted.add(name));
    }

    @Test
    void letsInAsMuchAsFitsAndTheRestInTheOrderOfTheirComing() {
        assertTrue(acquire(60, "a"));
        assertTrue(acquire(40, "b"));
        assertFalse(acquire(50, "c"));
        assertFalse(acquire(10, "d"));
        assertEquals(2, admission.waiting());
        admission.release(40);
        assertEquals(List.of(), admitted, "d must not overtake c");
        admission.release(60);
        assertEquals(List.of("c", "d"), admitted);
        assertEquals(60, admission.admittedBytes());
        assertEquals(0, admission.waiting());
    }

    @Test
    void aNewcomerDoesNotOvertakeThoseWhoWait() {
        assertTrue(acquire(90, "a"));
        assertFalse(acquire(50, "b"));
        assertFalse(acquire(5, "c"), "there would be room, but b is first");
    }

    @Test
    void whatIsLargerThanTheLimitIsLetInAlone() {
        assertTrue(acquire(1000, "a"));
        assertFalse(acquire(1, "b"));
        admission.release(1000);
        assertEquals(List.of("b"), admitted);
        assertFalse(acquire(1000, "c"));
        admission.release(1);
        assertEquals(List.of("b", "c"), admitted);
    }

    @Test
    void releasingTooMuchIsNoticed() {
        assertTrue(acquire(10, "a"));
        assertThrows(AssertionError.class, () -> admission.release(11));
    }

    @Test
    void manyThreadsAreAllServedWithinTheLimit() throws Exception {
        Admission shared = new Admission(1000);
        AtomicLong inside = new AtomicLong();
        AtomicLong most = new AtomicLong();
        AtomicLong served = new AtomicLong();
        ConcurrentLinkedQueue<Long> toRelease = new ConcurrentLinkedQueue<>();
        int threads = 4;
        int each = 5000;
        try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
            List<Future<?>> parts = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                RandomGenerator random = Seeds.random(t);
                parts.add(
                        pool.submit(
                                () -> {
                                    for (int i = 0; i < each; i++) {
                                        long bytes = random.nextLong(1, 401);
                                        Runnable in =
                                                () -> {
                                                    most.accumulateAndGet(
                                                            inside.addAndGet(bytes), Math::max);
                                                    served.incrementAndGet();
                                                    toRelease.add(bytes);
                                                };
                                        if (shared.acquire(bytes, in)) {
                                            in.run();
                                        }
                                        releaseOne(shared, inside, toRelease);
                                    }
                                }));
            }
            for (Future<?> part : parts) {
                part.get();
            }
        }
        TestProcess.await(
                "all are served",
                () -> {
                    releaseOne(shared, inside, toRelease);
                    return served.get() == (long) threads * each && toRelease.isEmpty();
                });
        assertTrue(most.get() <= 1000, most + " bytes at once");
        assertEquals(0, shared.admittedBytes());
    }

    private static void releaseOne(
            Admission shared, AtomicLong inside, ConcurrentLinkedQueue<Long> toRelease) {
        Long bytes = toRelease.poll();
        if (bytes != null) {
            inside.addAndGet(-bytes);
            shared.release(bytes);
        }
    }
}

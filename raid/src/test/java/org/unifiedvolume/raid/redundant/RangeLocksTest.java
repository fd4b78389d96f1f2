package org.unifiedvolume.raid.redundant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.request.DeviceFault;

class RangeLocksTest {
    private final RangeLocks locks = new RangeLocks();
    private final List<String> granted = new ArrayList<>();

    private final class Named extends RangeLocks.Hold {
        private final String name;

        Named(String name, long offset, long length) {
            super(offset, length);
            this.name = name;
        }

        @Override
        protected void granted() {
            granted.add(name);
        }
    }

    @Test
    void rangesThatOverlapAreGrantedInTheirOrder() {
        Named a = new Named("a", 0, 10);
        Named b = new Named("b", 5, 10);
        Named c = new Named("c", 12, 10);
        Named d = new Named("d", 30, 10);
        for (Named hold : List.of(a, b, c, d)) {
            locks.acquire(hold);
        }
        assertEquals(List.of("a", "d"), granted, "c waits for b, which came first");
        locks.release(d);
        locks.release(a);
        locks.release(b);
        assertEquals(List.of("a", "d", "b", "c"), granted);
    }

    /// One that need not wait for those that let it pass.
    private final class Passing extends RangeLocks.Hold {
        private final String name;

        Passing(String name, long offset, long length) {
            super(offset, length);
            this.name = name;
        }

        @Override
        protected void granted() {
            granted.add(name);
        }

        @Override
        protected boolean mayPass() {
            return true;
        }
    }

    @Test
    void whoMayPassDoesNotWaitForOneThatLetsPass() {
        Passing first = new Passing("first", 0, 10);
        locks.acquire(first);
        locks.acquire(new Passing("waits", 5, 10));
        assertEquals(List.of("first"), granted);

        locks.letPass(first);
        locks.acquire(new Passing("comes later", 0, 5));

        assertEquals(List.of("first", "waits", "comes later"), granted);
    }

    @Test
    void othersWaitUntilItIsReleased() {
        Passing first = new Passing("first", 0, 10);
        Named early = new Named("early", 0, 1);
        Passing behind = new Passing("behind", 0, 1);
        Named late = new Named("late", 5, 10);
        locks.acquire(first);
        locks.acquire(early);
        locks.acquire(behind);

        locks.letPass(first);
        locks.acquire(late);
        locks.acquire(new Named("beside", 20, 1));
        assertEquals(List.of("first", "beside"), granted, "behind waits for early");
        locks.release(first);
        assertEquals(List.of("first", "beside", "early", "late"), granted);
        locks.release(early);

        assertEquals(List.of("first", "beside", "early", "late", "behind"), granted);
    }

    @Test
    void whoLetsPassIsWaitedForOnce() {
        Passing one = new Passing("one", 0, 10);
        Passing other = new Passing("other", 0, 10);
        Named job = new Named("job", 0, 10);
        locks.acquire(one);
        locks.letPass(one);
        locks.acquire(other);
        locks.acquire(job);
        locks.letPass(other);
        locks.release(one);
        assertEquals(List.of("one", "other"), granted);

        locks.release(other);

        assertEquals(List.of("one", "other", "job"), granted);
    }

    /// One that would rather fail than wait.
    private final class Refusable extends RangeLocks.Hold {
        private final String name;

        Refusable(String name, long offset, long length) {
            super(offset, length);
            this.name = name;
        }

        @Override
        protected void granted() {
            granted.add(name);
        }

        @Override
        protected boolean isRefusable() {
            return true;
        }

        @Override
        protected void refused(DeviceFault why) {
            granted.add(name + " refused: " + why.getMessage());
        }
    }

    @Test
    void whoWaitsForOneThatRefusesIsRefused() {
        DeviceFault why = new DeviceFault(DeviceFault.Kind.IO, "it lasts");
        Named holder = new Named("holder", 0, 10);
        Refusable waits = new Refusable("waits", 5, 10);
        Refusable behind = new Refusable("behind", 12, 2);
        locks.acquire(holder);
        locks.acquire(waits);
        locks.acquire(behind);
        locks.refuse(holder, why);
        locks.acquire(new Refusable("late", 9, 1));
        locks.acquire(new Refusable("beside", 20, 1));
        assertEquals(
                List.of(
                        "holder",
                        "waits refused: it lasts",
                        "behind",
                        "late refused: it lasts",
                        "beside"),
                granted);
    }

    @Test
    void whoCannotBeRefusedWaitsAndOthersAreRefusedBecauseOfIt() {
        DeviceFault why = new DeviceFault(DeviceFault.Kind.IO, "it lasts");
        Named holder = new Named("holder", 0, 10);
        Named job = new Named("job", 5, 20);
        locks.acquire(holder);
        locks.acquire(job);
        locks.acquire(new Refusable("waits for the job", 20, 1));
        locks.refuse(holder, why);
        locks.acquire(new Refusable("comes after", 21, 1));
        locks.release(holder);
        locks.acquire(new Refusable("waits again", 22, 1));
        locks.release(job);
        assertEquals(
                List.of(
                        "holder",
                        "waits for the job refused: it lasts",
                        "comes after refused: it lasts",
                        "job",
                        "waits again"),
                granted);
    }

    @Test
    void aLongQueueForOneRangeDoesNotOverflowTheStack() {
        int count = 20_000;
        Named first = new Named("first", 0, 1);
        locks.acquire(first);
        int[] ran = new int[1];
        for (int i = 0; i < 1000; i++) {
            locks.acquire(
                    new RangeLocks.Hold(0, 1) {
                        @Override
                        protected void granted() {
                            ran[0]++;
                            if (ran[0] < count) {
                                locks.release(this);
                            }
                        }
                    });
        }
        locks.release(first);
        assertEquals(1000, ran[0]);
    }

    @Test
    void noByteIsHeldTwiceAtOnceHoweverManyThreadsAsk() throws InterruptedException {
        int threads = 4;
        int rounds = 5_000;
        AtomicIntegerArray holders = new AtomicIntegerArray(64);
        AtomicBoolean broken = new AtomicBoolean();
        CountDownLatch left = new CountDownLatch(threads * rounds);
        for (int t = 0; t < threads; t++) {
            Random random = new Random(t);
            Thread.ofPlatform()
                    .start(
                            () -> {
                                for (int i = 0; i < rounds; i++) {
                                    int offset = random.nextInt(60);
                                    int length = 1 + random.nextInt(4);
                                    holdOnce(offset, length, holders, broken, left);
                                }
                            });
        }
        assertTrue(left.await(30, TimeUnit.SECONDS), left.getCount() + " were never granted");
        assertTrue(!broken.get(), "a byte had two holders");
    }

    private void holdOnce(
            int offset,
            int length,
            AtomicIntegerArray holders,
            AtomicBoolean broken,
            CountDownLatch left) {
        locks.acquire(
                new RangeLocks.Hold(offset, length) {
                    @Override
                    protected void granted() {
                        for (int at = offset; at < offset + length; at++) {
                            if (holders.incrementAndGet(at) != 1) {
                                broken.set(true);
                            }
                        }
                        Thread.onSpinWait();
                        for (int at = offset; at < offset + length; at++) {
                            holders.decrementAndGet(at);
                        }
                        locks.release(this);
                        left.countDown();
                    }
                });
    }
}

package org.unifiedvolume.targets.file;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// Counts who is using a descriptor, so that it is closed after the last of them: its number may
/// mean another file a moment later.
final class UseCount {
    /// Added to the count of users once closing has begun.
    private static final int CLOSING = Integer.MIN_VALUE;

    private final AtomicInteger users = new AtomicInteger();
    private final CountDownLatch idle = new CountDownLatch(1);

    /// Begins a use.
    ///
    /// @return false if closing has begun; then there is nothing to [#leave]
    boolean enter() {
        if (users.getAndIncrement() >= 0) {
            return true;
        }
        leave();
        return false;
    }

    void leave() {
        if (users.decrementAndGet() == CLOSING) {
            idle.countDown();
        }
    }

    /// Lets nobody in any more and waits for those who are.
    ///
    /// @return false if some are still there after the time; then nothing may be closed
    boolean close(long waitNanos) {
        if (users.getAndAdd(CLOSING) == 0) {
            return true;
        }
        try {
            return idle.await(waitNanos, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return idle.getCount() == 0;
        }
    }
}

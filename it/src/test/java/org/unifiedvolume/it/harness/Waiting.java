package org.unifiedvolume.it.harness;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/// Waits for conditions, never longer than a limit.
public final class Waiting {
    private static final long PERIOD_NANOS = 5_000_000;

    private Waiting() {}

    /// Waits until a condition holds; an exception counts as not yet.
    public static void until(String what, Duration limit, Callable<Boolean> condition) {
        until(() -> what, limit, condition);
    }

    /// Waits until a condition holds; an exception counts as not yet.
    ///
    /// @param what for the failure, made when it fails
    public static void until(Supplier<String> what, Duration limit, Callable<Boolean> condition) {
        long end = System.nanoTime() + limit.toNanos();
        Exception last = null;
        while (true) {
            try {
                if (condition.call()) {
                    return;
                }
                last = null;
            } catch (Exception e) {
                last = e;
            }
            if (System.nanoTime() - end > 0) {
                throw new AssertionError(
                        "still not so after %s: %s".formatted(limit, what.get()), last);
            }
            LockSupport.parkNanos(PERIOD_NANOS);
        }
    }
}

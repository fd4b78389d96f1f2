package org.unifiedvolume.device;

/// Time, and being called later; handed to whoever needs it, so that tests can replace it.
public interface Timers {
    /// A clock that only moves forward, in nanoseconds from an arbitrary start.
    long nanoTime();

    /// Runs `task` once, `delayNanos` from now, on a thread of the timer's choice. The task must
    /// not block.
    Cancellable after(long delayNanos, Runnable task);

    /// A task that has not run yet.
    interface Cancellable {
        /// Prevents the task from running, unless it has started already.
        void cancel();
    }
}

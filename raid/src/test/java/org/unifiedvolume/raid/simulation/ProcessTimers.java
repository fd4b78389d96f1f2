package org.unifiedvolume.raid.simulation;

import org.unifiedvolume.device.Timers;

/// The timers of one process. What was under way when it ended is let come to its end, so that
/// memory that was not given back is noticed; what goes on for ever ends soon after.
final class ProcessTimers implements Timers {
    private static final long LEFT_NANOS = 20_000_000_000L;

    private final Timers time;
    private long end = Long.MAX_VALUE;

    ProcessTimers(Timers time) {
        this.time = time;
    }

    void kill() {
        end = time.nanoTime() + LEFT_NANOS;
    }

    @Override
    public long nanoTime() {
        return time.nanoTime();
    }

    @Override
    public Cancellable after(long delayNanos, Runnable task) {
        return time.after(
                delayNanos,
                () -> {
                    if (time.nanoTime() < end) {
                        task.run();
                    }
                });
    }
}

package org.unifiedvolume.loop;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.linux.ClockCalls;

/// Decides how a loop waits for its next events, by measuring.
///
/// Going to sleep and being woken costs a CPU more than a small request does, and on a virtual
/// machine, where waking another CPU leaves the guest, several times as much. What helps depends on
/// the clients:
///
/// - [Wait#SLEEP]: wait in the kernel at once. Right for long payloads and for light load.
/// - [Wait#PAUSE]: let requests gather for a moment first. Many small requests in flight then come
///   in batches, for half the CPU time.
/// - [Wait#SPIN]: look again for a moment before sleeping. A client that has one request in flight
///   is served without a wake-up, more than twice as fast.
///
/// While the loop is busy the tuner tries each for a short window, keeps the best, and tries again
/// from time to time or when the load changes. The measure is bytes moved per second, divided by
/// the fourth root of the CPU time per byte: throughput counts most, and of two that are equal the
/// cheaper one wins. A loop that is not busy sleeps.
///
/// Owned by the loop's thread.
final class WaitTuner {
    private static final Logger LOG = LoggerFactory.getLogger(WaitTuner.class);

    /// The ways to wait.
    enum Wait {
        SLEEP,
        PAUSE,
        SPIN
    }

    private static final Wait[] TRIALS = Wait.values();

    private static final long WINDOW_NANOS = 60_000_000L;
    private static final long FIRST_HOLD_NANOS = 2_000_000_000L;
    private static final long LONGEST_HOLD_NANOS = 60_000_000_000L;

    /// A loop with fewer turns per window is not worth the trouble.
    private static final int BUSY_TURNS = 300;

    /// Longer turns than this are spent on payloads; there is nothing to win by waiting otherwise.
    private static final long LONG_TURN_BYTES = 64 * 1024;

    /// The best so far is left only for one that is better by this factor.
    private static final double CLEARLY_BETTER = 1.05;

    /// A rate that differs from the one at the last decision by this factor is a new load.
    private static final double NEW_LOAD = 1.8;

    /// Keeps every loop to one way of waiting, for measurements: `sleep`, `pause` or `spin`.
    private static final String FORCED = System.getProperty("uvol.loops.wait", "");

    private final String name;
    private Wait wait = Wait.SLEEP;
    private Wait best = Wait.SLEEP;
    private double bestScore;
    private int trial = -1;
    private boolean settling;
    private double decidedRate;
    private long nextTrialNanos;
    private long holdNanos = FIRST_HOLD_NANOS;

    private long bytes;
    private int turns;
    private long windowStart;
    private long windowCpu;

    WaitTuner(String name) {
        this.name = name;
        if (!FORCED.isEmpty()) {
            wait = Wait.valueOf(FORCED.toUpperCase(java.util.Locale.ROOT));
        }
    }

    /// How to wait now.
    Wait mode() {
        return wait;
    }

    /// A stream has moved bytes.
    void moved(long count) {
        bytes += count;
    }

    /// The loop has ended a turn in which it had something to do.
    void turned() {
        turns++;
        // The clock is read only now and then: a busy loop turns many times in a window.
        if (((turns & 31) != 0 && turns < BUSY_TURNS) || !FORCED.isEmpty()) {
            return;
        }
        long now = System.nanoTime();
        long elapsed = now - windowStart;
        if (elapsed >= WINDOW_NANOS) {
            endWindow(now, elapsed);
        }
    }

    private void endWindow(long now, long elapsed) {
        long cpu = ClockCalls.threadCpuNanos();
        boolean busy = turns >= BUSY_TURNS && elapsed < 3 * WINDOW_NANOS && bytes > 0;
        if (settling) {
            settling = false;
        } else if (!busy) {
            rest();
        } else {
            double rate = (double) bytes / elapsed;
            decide(now, rate, score(rate, (double) Math.max(1, cpu - windowCpu) / bytes));
        }
        bytes = 0;
        turns = 0;
        windowStart = now;
        windowCpu = cpu;
    }

    private static double score(double rate, double cpuPerByte) {
        return rate / Math.sqrt(Math.sqrt(cpuPerByte));
    }

    private void rest() {
        wait = Wait.SLEEP;
        best = Wait.SLEEP;
        trial = -1;
        holdNanos = FIRST_HOLD_NANOS;
        nextTrialNanos = 0;
        decidedRate = 0;
    }

    private void decide(long now, double rate, double score) {
        if (wait == Wait.SLEEP && bytes / turns >= LONG_TURN_BYTES) {
            best = Wait.SLEEP;
            trial = -1;
            decidedRate = rate;
            nextTrialNanos = now + holdNanos;
            return;
        }
        if (trial < 0) {
            boolean newLoad = rate > decidedRate * NEW_LOAD || rate < decidedRate / NEW_LOAD;
            if (newLoad || now - nextTrialNanos >= 0) {
                if (newLoad) {
                    holdNanos = FIRST_HOLD_NANOS;
                }
                best = wait;
                bestScore = score;
                decidedRate = rate;
                nextTrial();
            }
            return;
        }
        if (score > bestScore * CLEARLY_BETTER) {
            best = wait;
            bestScore = score;
            decidedRate = rate;
            holdNanos = FIRST_HOLD_NANOS;
        }
        nextTrial();
        if (trial < 0) {
            nextTrialNanos = now + holdNanos;
            holdNanos = Math.min(2 * holdNanos, LONGEST_HOLD_NANOS);
        }
    }

    /// Goes on to the next way that is not the best one already; when all were tried, to the best.
    private void nextTrial() {
        do {
            trial++;
        } while (trial < TRIALS.length && TRIALS[trial] == best);
        if (trial == TRIALS.length) {
            trial = -1;
        }
        Wait next = trial < 0 ? best : TRIALS[trial];
        if (trial < 0) {
            LOG.trace("{} waits by {}", name, best);
        }
        settling = next != wait;
        wait = next;
    }
}

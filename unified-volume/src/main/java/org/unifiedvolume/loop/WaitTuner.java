package org.unifiedvolume.loop;

import java.util.Locale;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.linux.ClockCalls;

/// Decides how a loop waits for its next events, by measuring.
///
/// Going to sleep and being woken costs a CPU more than a small request does, and on a virtual
/// machine, where waking another CPU leaves the guest, several times as much. What helps depends on
/// the clients:
///
/// - [Wait#SLEEP]: wait in the kernel at once. Right for light load.
/// - [Wait#PAUSE]: let requests gather for a moment first. Many small requests in flight then come
///   in batches, for half the CPU time.
/// - [Wait#SPIN]: look again for a moment before sleeping. A client that has one request in flight
///   is served without a wake-up, more than twice as fast; one that sends long payloads fills the
///   socket anew meanwhile, and does not stop to wake the loop.
///
/// While the loop is busy the tuner tries each for a moment, keeps the best, and tries again from
/// time to time or when the load changes. The measure is bytes moved per second, divided by the
/// fourth root of the CPU time per byte: throughput counts most, and of two that are equal the
/// cheaper one wins. A loop that is not busy sleeps.
///
/// A trial costs what the way on trial is worse by, so it is as short as its verdict is clear: one
/// glance when it is much better or much worse than the best so far, a whole window otherwise.
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

    /// In the order in which they are tried: the likeliest gain first.
    private static final Wait[] TRIALS = {Wait.SPIN, Wait.PAUSE, Wait.SLEEP};

    /// What is measured first; enough for a verdict that is clear.
    static final long GLANCE_NANOS = 10_000_000L;

    /// What is measured for a verdict that is not.
    static final long WINDOW_NANOS = 60_000_000L;

    /// How long the first requests after a change are not counted.
    static final long SETTLING_NANOS = 2_000_000L;

    static final long FIRST_HOLD_NANOS = 2_000_000_000L;
    private static final long LONGEST_HOLD_NANOS = 60_000_000_000L;

    /// A loop with longer turns than this, waiting included, is not worth the trouble. A payload of
    /// 1 MiB takes some 300 µs.
    static final long BUSY_TURN_NANOS = 1_000_000;

    /// The clock is read once in so many turns: a busy loop turns many times in a glance.
    static final int TURNS_PER_LOOK = 16;

    /// The best so far is left only for one that is better by this factor.
    private static final double CLEARLY_BETTER = 1.05;

    /// A glance decides when the scores differ by this factor.
    private static final double MUCH_BETTER = 1.3;

    /// A rate that differs from the one at the last decision by this factor is a new load.
    private static final double NEW_LOAD = 1.8;

    /// Keeps every loop to one way of waiting, for measurements: `sleep`, `pause` or `spin`.
    private static final String FORCED = System.getProperty("uvol.loops.wait", "");

    private final String name;
    private final LongSupplier clock;
    private final LongSupplier cpuClock;
    private Wait wait = Wait.SLEEP;
    private Wait best = Wait.SLEEP;
    private double bestScore;

    /// The place in [#TRIALS] of the way on trial; -1 while the best is kept.
    private int trial = -1;

    private boolean settling;
    private double decidedRate;
    private long nextTrialNanos;
    private long holdNanos = FIRST_HOLD_NANOS;

    private long bytes;
    private int turns;
    private int turnsToLook = TURNS_PER_LOOK;
    private long windowStart;
    private long windowCpu;

    WaitTuner(String name) {
        this(name, System::nanoTime, ClockCalls::threadCpuNanos);
        if (!FORCED.isEmpty()) {
            wait = Wait.valueOf(FORCED.toUpperCase(Locale.ROOT));
        }
    }

    /// @param clock time in nanoseconds, from any start
    /// @param cpuClock the CPU time that the loop's thread has taken, in nanoseconds
    WaitTuner(String name, LongSupplier clock, LongSupplier cpuClock) {
        this.name = name;
        this.clock = clock;
        this.cpuClock = cpuClock;
        this.windowStart = clock.getAsLong();
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
        if (--turnsToLook == 0) {
            turnsToLook = TURNS_PER_LOOK;
            if (FORCED.isEmpty()) {
                look();
            }
        }
    }

    private void look() {
        long now = clock.getAsLong();
        long elapsed = now - windowStart;
        if (settling) {
            if (elapsed >= SETTLING_NANOS) {
                settling = false;
                startWindow(now);
            }
        } else if (elapsed >= (decidedRate == 0 || trial >= 0 ? GLANCE_NANOS : WINDOW_NANOS)) {
            endWindow(now, elapsed);
        }
    }

    private void startWindow(long now) {
        bytes = 0;
        turns = 0;
        windowStart = now;
        windowCpu = cpuClock.getAsLong();
    }

    private void endWindow(long now, long elapsed) {
        boolean busy = elapsed / turns < BUSY_TURN_NANOS && bytes > 0;
        if (!busy) {
            rest();
        } else {
            double rate = (double) bytes / elapsed;
            long cpu = Math.max(1, cpuClock.getAsLong() - windowCpu);
            double score = score(rate, (double) cpu / bytes);
            if (trial < 0) {
                tryOthersIfDue(now, rate, score);
            } else if (elapsed >= WINDOW_NANOS || isClear(score)) {
                endTrial(now, rate, score);
            } else {
                return; // the window goes on
            }
        }
        startWindow(now);
    }

    private static double score(double rate, double cpuPerByte) {
        return rate / Math.sqrt(Math.sqrt(cpuPerByte));
    }

    private boolean isClear(double score) {
        return score > bestScore * MUCH_BETTER || score * MUCH_BETTER < bestScore;
    }

    private void rest() {
        wait = Wait.SLEEP;
        best = Wait.SLEEP;
        trial = -1;
        holdNanos = FIRST_HOLD_NANOS;
        nextTrialNanos = 0;
        decidedRate = 0;
    }

    private void tryOthersIfDue(long now, double rate, double score) {
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
    }

    private void endTrial(long now, double rate, double score) {
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

package org.unifiedvolume.raid.simulation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import org.unifiedvolume.testkit.FaultCounts;

/// Many seeds of one level, on several threads; each run is whole in itself.
final class Campaign {
    private static final int MEBI = 20;

    private final Level level;
    private final long end;
    private final long from;
    private final boolean keepsGoing;
    private final AtomicLong next;
    private final FaultCounts counts = new FaultCounts();
    private final List<SimulationRun> failures = new ArrayList<>();
    private long runs;
    private long lives;
    private long requests;
    private ResyncWatch.Totals resynced = ResyncWatch.Totals.NONE;
    private long nanos;

    /// @param keepsGoing whether to go on after a failure
    Campaign(Level level, long from, long seeds, boolean keepsGoing) {
        this.level = level;
        this.from = from;
        this.end = from + seeds;
        this.keepsGoing = keepsGoing;
        this.next = new AtomicLong(from);
    }

    void run(int threads) throws InterruptedException {
        long began = System.nanoTime();
        List<Thread> workers = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            workers.add(Thread.ofVirtual().name("seeds-" + i).start(this::work));
        }
        for (Thread worker : workers) {
            worker.join();
        }
        nanos = System.nanoTime() - began;
    }

    private void work() {
        while (true) {
            long seed = next.getAndIncrement();
            if (seed >= end) {
                return;
            }
            take(SimulationRun.of(level, seed, Planting.Seed.NONE));
        }
    }

    private synchronized void take(SimulationRun run) {
        runs++;
        lives += run.lives();
        requests += run.requests();
        resynced = resynced.plus(run.resynced());
        counts.add(run.counts());
        if (!run.isKept()) {
            failures.add(run);
            failures.sort(Comparator.comparingLong(SimulationRun::seed));
            if (!keepsGoing) {
                next.set(end);
            }
        }
    }

    /// The failure of the lowest seed; null if there was none.
    SimulationRun firstFailure() {
        return failures.isEmpty() ? null : failures.getFirst();
    }

    String report() {
        double seconds = nanos / 1e9;
        StringBuilder report = new StringBuilder(summary(seconds)).append(resyncs());
        for (SimulationRun run : failures) {
            report.append("        seed %d: %s%n".formatted(run.seed(), run.broken().getMessage()));
        }
        return report.toString();
    }

    private String summary(double seconds) {
        return String.format(
                Locale.ROOT,
                "%-7s %d seeds from %d in %.1f s, %.0f seeds/s; %d lives, %d requests; %s%n        %s%n",
                level,
                runs,
                from,
                seconds,
                runs / seconds,
                lives,
                requests,
                switch (failures.size()) {
                    case 0 -> "all promises kept";
                    case 1 -> "1 seed FAILED";
                    default -> failures.size() + " seeds FAILED";
                },
                counts);
    }

    /// What resyncs and legs that returned were given; empty if there were none.
    private String resyncs() {
        return resynced.jobs() == 0
                ? ""
                : String.format(
                        Locale.ROOT,
                        "        %d resyncs and returns moved %d MiB of rows; dirty were %d MiB of %d MiB%n",
                        resynced.jobs(),
                        resynced.movedBytes() >> MEBI,
                        resynced.dirtyBytes() >> MEBI,
                        resynced.rowBytes() >> MEBI);
    }
}

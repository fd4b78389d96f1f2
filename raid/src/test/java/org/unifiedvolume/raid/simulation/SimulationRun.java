package org.unifiedvolume.raid.simulation;

import java.io.IOException;
import java.util.List;
import org.unifiedvolume.raid.Rig;
import org.unifiedvolume.testkit.EventLog;
import org.unifiedvolume.testkit.FaultCounts;

/// What came of one seed.
///
/// @param broken the promise that was broken; null if all were kept
/// @param promises what it had to keep
/// @param counts the faults that were injected
/// @param lives how often the volume was started
/// @param requests how many requests its clients made
/// @param resynced what resyncs have moved
/// @param trace the last events, if they were asked for
record SimulationRun(
        Level level,
        long seed,
        AssertionError broken,
        Promises promises,
        FaultCounts counts,
        int lives,
        int requests,
        ResyncWatch.Totals resynced,
        List<String> trace) {

    /// Runs one seed.
    static SimulationRun of(Level level, long seed, Planting.Seed planting) {
        return of(level, seed, planting, EventLog.OFF);
    }

    /// Runs one seed and keeps its last events.
    static SimulationRun traced(Level level, long seed, Planting.Seed planting, int events) {
        return of(level, seed, planting, new EventLog(events));
    }

    private static SimulationRun of(Level level, long seed, Planting.Seed planting, EventLog log) {
        FaultCounts counts = new FaultCounts();
        VolumeSimulation simulation = null;
        AssertionError broken = null;
        try (Rig rig = new Rig(log.isOn())) {
            simulation = new VolumeSimulation(level, seed, planting, rig, counts, log);
            simulation.run();
        } catch (AssertionError e) {
            broken = e;
        } catch (IOException e) {
            broken = new AssertionError("a volume did not start: " + e.getMessage(), e);
        } catch (RuntimeException e) {
            broken = new AssertionError("the code failed: " + e, e);
        }
        if (simulation == null) {
            throw new IllegalStateException("seed " + seed + " did not begin", broken);
        }
        return new SimulationRun(
                level,
                seed,
                broken,
                simulation.promises(),
                counts,
                simulation.lives(),
                simulation.requests(),
                simulation.resynced(),
                log.last());
    }

    boolean isKept() {
        return broken == null;
    }

    /// How to see it again.
    String command() {
        return "./uvol-sim --level %s --seeds 1 --from %d".formatted(level, seed);
    }
}

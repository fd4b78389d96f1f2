package org.unifiedvolume.raid.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.unifiedvolume.testkit.DiskFault;
import org.unifiedvolume.testkit.FaultCounts;

/// Volumes keep their promises whatever their disks do, for several hundred seeds; with
/// `-Duvol.seeds=N` for so many. `./uvol-sim` runs any number, and repeats one.
@Execution(ExecutionMode.CONCURRENT)
class VolumeSimulationTest {
    private static final int SEEDS = Integer.getInteger("uvol.seeds", 125);

    /// So many try everything.
    private static final int ENOUGH_SEEDS = 125;

    private static final int RESYNC_SEEDS = 50;

    @ParameterizedTest
    @EnumSource
    void promisesAreKeptAndEveryFaultIsTried(Level level) {
        FaultCounts counts = new FaultCounts();
        Set<DiskFault> borne = EnumSet.noneOf(DiskFault.class);
        for (long seed = 0; seed < SEEDS; seed++) {
            SimulationRun run = SimulationRun.of(level, seed, Planting.Seed.NONE);
            if (!run.isKept()) {
                throw new AssertionError(
                        "%s with seed %d: %s%nto see it again: %s"
                                .formatted(level, seed, run.broken().getMessage(), run.command()),
                        run.broken());
            }
            counts.add(run.counts());
            borne.addAll(run.promises().faults());
        }
        borne.removeIf(kind -> counts.of(kind) > 0);
        assertTrue(
                borne.isEmpty() || SEEDS < ENOUGH_SEEDS,
                "%s: %s were never tried, only %s".formatted(level, borne, counts));
    }

    @ParameterizedTest
    @EnumSource(names = {"RAID1", "RAID10"})
    void resyncsMoveLessThanAll(Level level) {
        ResyncWatch.Totals totals = ResyncWatch.Totals.NONE;
        for (long seed = 0; seed < RESYNC_SEEDS; seed++) {
            totals = totals.plus(SimulationRun.of(level, seed, Planting.Seed.NONE).resynced());
        }
        // That no single one moves too much is checked in every run.
        assertTrue(
                totals.jobs() > RESYNC_SEEDS / 2
                        && totals.movedBytes() > 0
                        && totals.movedBytes() <= totals.dirtyBytes()
                        && totals.dirtyBytes() < totals.rowBytes(),
                totals.toString());
    }

    @Test
    void aSeedRepeatsExactlyWhetherItIsTracedOrNot() {
        for (long seed = 0; seed < 5; seed++) {
            SimulationRun once =
                    SimulationRun.traced(Level.RAID1, seed, Planting.Seed.NONE, 1 << 16);
            SimulationRun again =
                    SimulationRun.traced(Level.RAID1, seed, Planting.Seed.NONE, 1 << 16);
            SimulationRun quietly = SimulationRun.of(Level.RAID1, seed, Planting.Seed.NONE);
            assertEquals(once.trace(), again.trace());
            assertEquals(once.counts().toString(), quietly.counts().toString());
            assertEquals(once.requests(), quietly.requests());
        }
    }
}

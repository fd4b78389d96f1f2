package org.unifiedvolume.raid.bitmap;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.unifiedvolume.testkit.Seeds;

/// Whatever happens to the legs, the bits on disk cover all that may differ; and the simulation
/// that says so finds planted bugs.
class BitmapSimulationTest {
    private static final int SEEDS = 200;

    @Test
    void bitsOnDiskCoverWhateverMayDiffer() {
        int[] seen = new int[3];
        Seeds.each(
                SEEDS,
                "BitmapSimulationTest#bitsOnDiskCoverWhateverMayDiffer",
                seed -> {
                    BitmapSimulation run = new BitmapSimulation(seed, BitmapSimulation.Bug.NONE);
                    run.run();
                    seen[0] += run.cleared;
                    seen[1] += run.crashes;
                    seen[2] += run.failures;
                });
        if (System.getProperty("seed") == null) {
            assertTrue(seen[0] > 0 && seen[1] > 0 && seen[2] > 0, "nothing happened");
        }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void aPlantedBugIsFound(BitmapSimulation.Bug bug) {
        for (int seed = 0; seed < SEEDS; seed++) {
            try {
                new BitmapSimulation(seed, bug).run();
            } catch (AssertionError e) {
                assertTrue(e.getMessage().contains("legs may differ"), e.getMessage());
                System.out.printf("%s: found with seed %d: %s%n", bug, seed, e.getMessage());
                return;
            }
        }
        throw new AssertionError("%s was not found with %d seeds".formatted(bug, SEEDS));
    }
}

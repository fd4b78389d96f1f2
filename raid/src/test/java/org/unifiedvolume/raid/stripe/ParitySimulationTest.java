package org.unifiedvolume.raid.stripe;

import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.unifiedvolume.testkit.Seeds;

/// After a power cut at any moment, with as many legs lost in it as the array can lose, every
/// sector is as it was or as it was to become; and what is planted to break that is found.
class ParitySimulationTest {
    private static final int SEEDS = 60;
    private static final int MOST_SEEDS_FOR_A_BUG = 1000;

    @Test
    void everySectorIsOldOrNewAfterPowerCutsAndLostLegs() {
        Seeds.each(
                SEEDS,
                "ParitySimulationTest#everySectorIsOldOrNewAfterPowerCutsAndLostLegs",
                seed -> {
                    String problem = new ParitySimulation(seed, ParitySimulation.Bug.NONE).run();
                    assertTrue(problem == null, problem);
                });
    }

    /// A durable change relied on bytes of a whole stripe that nobody had flushed.
    @ParameterizedTest
    @ValueSource(longs = {20466252809988L, 20480804243208L, 20614242769136L})
    void seedsThatBrokeOnce(long seed) throws Exception {
        assertNull(new ParitySimulation(seed, ParitySimulation.Bug.NONE).run());
    }

    @ParameterizedTest
    @EnumSource(value = ParitySimulation.Bug.class, mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void plantedBugsAreFound(ParitySimulation.Bug bug) throws Exception {
        for (long seed = 1; seed <= MOST_SEEDS_FOR_A_BUG; seed++) {
            String problem = new ParitySimulation(seed, bug).run();
            if (problem != null) {
                System.out.printf("%s found after %d seeds: %s%n", bug, seed, problem);
                return;
            }
        }
        throw new AssertionError(bug + " was not found");
    }
}

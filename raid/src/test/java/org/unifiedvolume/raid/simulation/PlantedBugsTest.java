package org.unifiedvolume.raid.simulation;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The simulation finds bugs: one of a few seeds shows each of those that are planted.
@Execution(ExecutionMode.CONCURRENT)
class PlantedBugsTest {
    private static final int SEEDS = 1500;

    @ParameterizedTest
    @EnumSource
    void isFound(PlantedBug bug) {
        assertTrue(
                bug.seedsUntilFound(0, SEEDS) > 0,
                "that %s was not found with %d seeds from %d on".formatted(bug.what(), SEEDS, 0));
    }
}

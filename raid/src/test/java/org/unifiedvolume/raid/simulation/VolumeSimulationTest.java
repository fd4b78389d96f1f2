package org.unifiedvolume.raid.simulation;

import java.io.IOException;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.raid.Rig;

/// Volumes keep their promises whatever their disks do, for several hundred seeds; with
/// `-Duvol.seed=N` for that one only, with `-Duvol.seeds=N` for so many.
class VolumeSimulationTest {
    private static final int SEEDS = Integer.getInteger("uvol.seeds", 300);

    @Test
    void aLinearVolumeKeepsItsPromises() {
        check(Level.LINEAR);
    }

    @Test
    void aStripedVolumeKeepsItsPromises() {
        check(Level.STRIPE);
    }

    @Test
    void aMirrorKeepsItsPromises() {
        check(Level.MIRROR);
    }

    private static void check(Level level) {
        Long only = Long.getLong("uvol.seed");
        LongStream seeds =
                only == null ? LongStream.range(0, SEEDS) : LongStream.of(only.longValue());
        seeds.forEach(
                seed -> {
                    AssertionError broken = run(level, seed, Planting.NONE);
                    if (broken != null) {
                        throw new AssertionError(
                                ("%s with seed %d: %s%nto see it again: mvn test -pl raid -am"
                                                + " -Dtest=VolumeSimulationTest"
                                                + " -Dsurefire.failIfNoSpecifiedTests=false"
                                                + " -Duvol.seed=%d")
                                        .formatted(level, seed, broken.getMessage(), seed),
                                broken);
                    }
                });
    }

    /// Runs one seed.
    ///
    /// @return the promise that was broken; null if all were kept
    static AssertionError run(Level level, long seed, Planting planting) {
        try (Rig rig = new Rig(Long.getLong("uvol.seed") != null)) {
            new VolumeSimulation(level, seed, planting, rig).run();
            return null;
        } catch (AssertionError e) {
            return e;
        } catch (IOException e) {
            return new AssertionError("a volume did not start", e);
        }
    }
}

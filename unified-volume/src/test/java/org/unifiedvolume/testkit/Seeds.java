package org.unifiedvolume.testkit;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/// Seeds of random tests: other ones in each run, or the one that `-Dseed=` asks for, or so many as
/// `-Dseeds=` asks for.
public final class Seeds {
    private Seeds() {}

    /// A test that takes a seed.
    @FunctionalInterface
    public interface Seeded {
        void run(long seed) throws Exception;
    }

    /// Runs a test with several seeds; a failure names the seed and how to repeat it.
    ///
    /// @param test the class and method to name in the replay command: `StackTest#method`
    public static void each(int count, String test, Seeded seeded) {
        String asked = System.getProperty("seed");
        long first = asked == null ? System.nanoTime() : Long.parseLong(asked);
        int runs = asked == null ? Integer.getInteger("seeds", count) : 1;
        for (int i = 0; i < runs; i++) {
            long seed = first + i;
            try {
                seeded.run(seed);
            } catch (Exception | AssertionError e) {
                throw new AssertionError(
                        "seed %d: %s%nrepeat with: mvn test -Dtest='%s' -Djvm.tests=-Dseed=%d"
                                .formatted(seed, e.getMessage(), test, seed),
                        e);
            }
        }
    }

    /// A source of numbers that depends on the seed alone.
    public static RandomGenerator random(long seed) {
        return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    }
}

package org.unifiedvolume.raid.redundant;

import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongSupplier;

/// What an array gets from its process beside its members; replaced by tests.
///
/// @param witness where this host remembers the array
/// @param randomIds for identities and epochs
/// @param nowMillis the time of day
public record Surroundings(
        ControlThreads threads,
        WitnessStore witness,
        LongSupplier randomIds,
        LongSupplier nowMillis) {
    /// The surroundings of a running process.
    public static Surroundings of(WitnessStore witness) {
        return new Surroundings(
                new VirtualThreads(),
                witness,
                () -> ThreadLocalRandom.current().nextLong(),
                System::currentTimeMillis);
    }
}

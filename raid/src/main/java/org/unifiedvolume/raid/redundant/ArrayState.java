package org.unifiedvolume.raid.redundant;

import java.util.List;
import java.util.UUID;
import org.unifiedvolume.raid.superblock.Epoch;

/// What an array has to know when it starts again; every superblock carries it.
///
/// @param events counts the states of this array
/// @param epoch the present one
/// @param history the epochs before it, latest first
/// @param clean whether it was stopped with all complete legs in step
/// @param primary the role that is the measure where complete legs may differ
/// @param clearedEvents the count of events at which bits may have been cleared last
/// @param legs by role
record ArrayState(
        long events,
        Epoch epoch,
        List<Epoch> history,
        boolean clean,
        int primary,
        long clearedEvents,
        List<Entry> legs) {

    /// What is known of one leg.
    ///
    /// @param filledBytes up to which row it holds everything that is not marked in the bitmap
    /// @param knownEvents the count of events of the last superblock that it is known to hold
    record Entry(
            UUID member,
            String place,
            LegState state,
            long sinceMillis,
            long filledBytes,
            long knownEvents) {}

    ArrayState {
        history = List.copyOf(history);
        legs = List.copyOf(legs);
    }
}

package org.unifiedvolume.raid.redundant;

import java.util.List;
import java.util.UUID;
import org.unifiedvolume.raid.superblock.Epoch;
import org.unifiedvolume.raid.superblock.MemberState;

/// What an array has to know when it starts again; every superblock carries it.
///
/// @param events counts the states of this array
/// @param epoch the present one
/// @param history the epochs before it, latest first
/// @param clean whether it was stopped with all complete legs in step
/// @param primary the role that is the measure where complete legs may differ
/// @param clearedEvents the count of events at which bits may have been cleared last
/// @param legs by role
/// @param others the members that have no role, or not yet
record ArrayState(
        long events,
        Epoch epoch,
        List<Epoch> history,
        boolean clean,
        int primary,
        long clearedEvents,
        List<Entry> legs,
        List<Entry> others) {

    /// What is known of one member.
    ///
    /// @param role -1 for a spare
    /// @param filledBytes up to which row it holds everything that is not marked in the bitmap
    /// @param knownEvents the count of events of the last superblock that it is known to hold
    record Entry(
            UUID member,
            int role,
            String place,
            MemberState state,
            long sinceMillis,
            long filledBytes,
            long knownEvents) {}

    ArrayState {
        history = List.copyOf(history);
        legs = List.copyOf(legs);
        others = List.copyOf(others);
    }
}

package org.unifiedvolume.raid.superblock;

import java.util.List;

/// What an array is put together from.
///
/// @param freshest the superblock that says how the array is
/// @param seats who has each role
/// @param blanks the candidates that carry nothing, by number
/// @param spares the candidates that wait for a role, by number
/// @param remarks what users should know: members that are left out, and why
public record Verdict(
        Superblock freshest,
        List<Seat> seats,
        List<Integer> blanks,
        List<Integer> spares,
        List<String> remarks) {

    /// A role and who has it.
    ///
    /// @param candidate its number; -1 if the member is missing
    /// @param state what it holds: IN_SYNC, REBUILDING or STALE
    /// @param filledBytes up to which row it holds everything that is not marked in the bitmap; 0
    ///     if that is not known
    /// @param reason why it is not in sync; empty if it is
    public record Seat(int candidate, MemberState state, long filledBytes, String reason) {}

    public Verdict {
        seats = List.copyOf(seats);
        blanks = List.copyOf(blanks);
        spares = List.copyOf(spares);
        remarks = List.copyOf(remarks);
    }

    /// A verdict without spares.
    public Verdict(
            Superblock freshest, List<Seat> seats, List<Integer> blanks, List<String> remarks) {
        this(freshest, seats, blanks, List.of(), remarks);
    }
}

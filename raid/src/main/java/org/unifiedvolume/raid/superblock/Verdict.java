package org.unifiedvolume.raid.superblock;

import java.util.List;

/// What an array is put together from.
///
/// @param freshest the superblock that says how the array is
/// @param seats who has each role
/// @param blanks the candidates that carry nothing, by number
/// @param spares the candidates that wait for a role, by number
/// @param successors the candidates that are to take the place of a complete one
/// @param remarks what users should know: members that are left out, and why
public record Verdict(
        Superblock freshest,
        List<Seat> seats,
        List<Integer> blanks,
        List<Integer> spares,
        List<Successor> successors,
        List<String> remarks) {

    /// A role and who has it.
    ///
    /// @param candidate its number; -1 if the member is missing
    /// @param state what it holds: IN_SYNC, REBUILDING or STALE
    /// @param filledBytes up to which row it holds everything that is not marked in the bitmap; 0
    ///     if that is not known
    /// @param reason why it is not in sync; empty if it is
    public record Seat(int candidate, MemberState state, long filledBytes, String reason) {}

    /// A candidate that follows the complete member of a role, to take its place.
    ///
    /// @param entry what the freshest superblock says of it
    public record Successor(int candidate, MemberEntry entry) {}

    public Verdict {
        seats = List.copyOf(seats);
        blanks = List.copyOf(blanks);
        spares = List.copyOf(spares);
        successors = List.copyOf(successors);
        remarks = List.copyOf(remarks);
    }

    /// The same with other seats, and no blanks left.
    public Verdict withSeats(List<Seat> newSeats) {
        return new Verdict(freshest, newSeats, List.of(), spares, successors, remarks);
    }

    /// A verdict without spares and successors.
    public Verdict(
            Superblock freshest, List<Seat> seats, List<Integer> blanks, List<String> remarks) {
        this(freshest, seats, blanks, List.of(), List.of(), remarks);
    }
}

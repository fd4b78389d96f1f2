package org.unifiedvolume.raid.superblock;

import java.util.List;
import java.util.UUID;

/// What one member of an array carries about itself, the array, and what it knew of the others.
///
/// @param member the identity of the member that carries it
/// @param role its role, from 0 on; -1 for a spare
/// @param events counts the states of the array
/// @param epoch the epoch in which it was written
/// @param history the epochs before, latest first
/// @param updatedMicros when it was written, microseconds since 1970
/// @param clean whether the array was stopped with all complete members in step
/// @param primary the role that is the measure where complete members may differ
/// @param clearedEvents the count of events when bits may have been cleared last
/// @param members every member of the array, as this one knew it
public record Superblock(
        ArrayDescription array,
        UUID member,
        int role,
        MemberAreas areas,
        long events,
        Epoch epoch,
        List<Epoch> history,
        long updatedMicros,
        boolean clean,
        int primary,
        long clearedEvents,
        List<MemberEntry> members) {
    /// How long it is on disk.
    public static final int LENGTH_BYTES = 8192;

    public static final int MAX_MEMBERS = 64;
    public static final int MAX_HISTORY = 32;

    public Superblock {
        history = List.copyOf(history);
        members = List.copyOf(members);
    }

    /// The entry of the member that has a role; null if nobody has it.
    public MemberEntry entryOf(int ofRole) {
        for (MemberEntry entry : members) {
            if (entry.role() == ofRole && entry.state().hasRole()) {
                return entry;
            }
        }
        return null;
    }

    /// The entry of a member; null if it is none of the array's.
    public MemberEntry entryOf(UUID ofMember) {
        for (MemberEntry entry : members) {
            if (entry.member().equals(ofMember)) {
                return entry;
            }
        }
        return null;
    }

    /// Whether an epoch is this one's or among those before it.
    public boolean hasLived(Epoch other) {
        return epoch.equals(other) || history.contains(other);
    }
}

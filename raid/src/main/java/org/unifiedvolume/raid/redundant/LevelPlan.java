package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.util.UUID;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.raid.superblock.MemberAreas;

/// A level as the user described it.
public interface LevelPlan {
    /// How the level is written: `raid1`.
    String name();

    /// Whether it closes its write hole with a journal.
    boolean hasJournal();

    /// What a new array is.
    ///
    /// @param leastDataBytes how large the smallest data area of its members is
    /// @param blockBytes the common block size of its members
    /// @throws IOException if that is too little, or too much
    ArrayDescription describe(
            UUID uuid,
            String name,
            int members,
            long leastDataBytes,
            int blockBytes,
            long createdMicros)
            throws IOException;

    /// Whether an array that exists is what the user described.
    ///
    /// @throws IOException saying what differs, and what to write
    void check(ArrayDescription array) throws IOException;

    /// The level over legs.
    ///
    /// @param areas what lies where, by role; null while the member is missing
    Level make(ArrayDescription array, MemberAreas[] areas) throws IOException;
}

package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import org.unifiedvolume.raid.superblock.ArrayDescription;

/// An array as the user described it, as far as it has to be known to make a new one.
public interface ArrayPlan {
    /// How the level is written: `raid1`.
    String name();

    /// Whether it closes its write hole with a journal.
    boolean hasJournal();

    /// Whether each member is used as far as it goes, rather than all of them alike.
    default boolean usesAllOfEach() {
        return false;
    }

    /// Whether a new array can show what its members held before.
    default boolean keepsContent() {
        return true;
    }

    /// What a new array is.
    ///
    /// @param leastDataBytes how much of each data area is used at most
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

    /// What a new array is as each of its members tells it: the same, but for how much of the
    /// member is used, where they are not used alike.
    ///
    /// @param dataBytes how large the data areas of its members are
    /// @throws IOException as [#describe]
    default List<ArrayDescription> describeEach(
            UUID uuid,
            String name,
            long[] dataBytes,
            long leastDataBytes,
            int blockBytes,
            long createdMicros)
            throws IOException {
        int members = dataBytes.length;
        return Collections.nCopies(
                members, describe(uuid, name, members, leastDataBytes, blockBytes, createdMicros));
    }
}

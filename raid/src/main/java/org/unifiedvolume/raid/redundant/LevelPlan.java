package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.raid.superblock.MemberAreas;

/// A level with redundancy as the user described it.
public interface LevelPlan extends ArrayPlan {
    /// Whether an array that exists is what the user described.
    ///
    /// @throws IOException saying what differs, and what to write
    void check(ArrayDescription array) throws IOException;

    /// The level over legs.
    ///
    /// @param areas what lies where, by role; null while the member is missing
    Level make(ArrayDescription array, MemberAreas[] areas) throws IOException;
}

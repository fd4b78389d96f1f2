package org.unifiedvolume.raid.mirror;

import java.util.List;
import org.unifiedvolume.raid.redundant.BehindOptions;

/// What users choose about copies.
///
/// @param policy which copy is read first
/// @param writeMostly the names of the members that are read only when nothing else is left
/// @param behind the members that get changes later; they are read as those
record ReplicationOptions(ReadPolicy policy, List<String> writeMostly, BehindOptions behind) {
    static final ReplicationOptions DEFAULT =
            new ReplicationOptions(ReadPolicy.LOCAL_FIRST, List.of(), BehindOptions.NONE);

    /// Whether a member is read only when nothing else is left.
    boolean isAvoided(String name) {
        return writeMostly.contains(name) || behind.names().contains(name);
    }
}

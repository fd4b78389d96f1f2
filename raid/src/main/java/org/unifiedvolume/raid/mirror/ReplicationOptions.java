package org.unifiedvolume.raid.mirror;

import java.util.List;

/// What users choose about copies.
///
/// @param policy which copy is read first
/// @param writeMostly the names of the members that are read only when nothing else is left
record ReplicationOptions(ReadPolicy policy, List<String> writeMostly) {
    static final ReplicationOptions DEFAULT =
            new ReplicationOptions(ReadPolicy.LOCAL_FIRST, List.of());
}

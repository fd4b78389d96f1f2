package org.unifiedvolume.raid.mirror;

/// What users choose about copies.
///
/// @param policy which copy is read first
/// @param writeMostly the roles that are read only when nothing else is left, as a set
record ReplicationOptions(ReadPolicy policy, long writeMostly) {
    static final ReplicationOptions DEFAULT = new ReplicationOptions(ReadPolicy.LOCAL_FIRST, 0);
}

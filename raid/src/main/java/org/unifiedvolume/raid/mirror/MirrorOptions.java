package org.unifiedvolume.raid.mirror;

/// What a user may say about a mirror.
///
/// @param sizeBytes how much of each leg is used; 0 for all, then they must be of one size
/// @param assumeClean whether the legs of a new mirror are vouched to hold the same bytes
/// @param primary the leg that a new mirror's content comes from, as written; null if not said
public record MirrorOptions(long sizeBytes, boolean assumeClean, String primary) {}

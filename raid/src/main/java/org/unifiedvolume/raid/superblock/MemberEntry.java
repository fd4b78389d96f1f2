package org.unifiedvolume.raid.superblock;

import java.util.UUID;

/// What a superblock knows of one member of its array.
///
/// @param role from 0 on; -1 for a spare
/// @param sinceMillis since when it is in its state
/// @param knownEvents the count of events of the last superblock that it is known to hold
/// @param filledBytes up to which row it holds everything that is not marked in the bitmap
/// @param place where it was last seen: a URI without secrets
public record MemberEntry(
        UUID member,
        int role,
        MemberState state,
        long sinceMillis,
        long knownEvents,
        long filledBytes,
        String place) {}

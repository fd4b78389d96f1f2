package org.unifiedvolume.raid.superblock;

import java.nio.charset.StandardCharsets;
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
        String place) {
    /// A place as long as this may have been longer: its field has 64 bytes, a character up to 4.
    private static final int LONGEST_KEPT_BYTES = 61;

    /// Whether it was last seen at a place; what stands on disk may lack the last characters.
    public boolean isPlace(String name) {
        return name.equals(place)
                || (place.getBytes(StandardCharsets.UTF_8).length >= LONGEST_KEPT_BYTES
                        && name.startsWith(place));
    }
}

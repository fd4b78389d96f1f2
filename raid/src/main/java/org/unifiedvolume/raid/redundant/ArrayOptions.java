package org.unifiedvolume.raid.redundant;

import org.unifiedvolume.raid.superblock.MetadataPlace;

/// What users choose about an array with redundancy, whatever its level.
///
/// @param sizeBytes how much of each member's data area a new array uses; 0 for as much as there is
/// @param metadata where a new array keeps what is not data
/// @param bitmap whether a new array has a write-intent bitmap
/// @param assumeClean whether the members of a new array agree with one another
/// @param primary the member of a new array whose content counts; null if there is none
/// @param force whether a new array may overwrite what its members carry
/// @param degraded whether the user vouches that missing members were not written alone
/// @param preferred the member that is right after a split brain; null if none is named
public record ArrayOptions(
        long sizeBytes,
        MetadataPlace metadata,
        boolean bitmap,
        boolean assumeClean,
        String primary,
        boolean force,
        boolean degraded,
        String preferred,
        JobOptions jobs) {
    public static final ArrayOptions DEFAULT =
            new ArrayOptions(
                    0,
                    MetadataPlace.START,
                    true,
                    false,
                    null,
                    false,
                    false,
                    null,
                    JobOptions.DEFAULT);
}

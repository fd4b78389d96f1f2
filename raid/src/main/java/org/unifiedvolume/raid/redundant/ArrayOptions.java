package org.unifiedvolume.raid.redundant;

import org.unifiedvolume.raid.superblock.MetadataPlace;

/// What users choose about an array with redundancy, whatever its level.
///
/// @param sizeBytes how much of each member's data area a new array uses; 0 for as much as there is
/// @param metadata where a new array keeps what is not data
/// @param bitmap whether a new array has a write-intent bitmap
/// @param integrity whether the data of a new array carry checksums
/// @param assumeClean whether the members of a new array agree with one another
/// @param primary the member of a new array whose content counts; null if there is none
/// @param force whether a new array may overwrite what its members carry
/// @param degraded the user's word that missing members were not written alone; empty if it was not
///     given
/// @param preferred the member that is right after a split brain; null if none is named
/// @param spareDelayNanos how long a leg is lost before a spare takes its role
public record ArrayOptions(
        long sizeBytes,
        MetadataPlace metadata,
        boolean bitmap,
        boolean integrity,
        boolean assumeClean,
        String primary,
        boolean force,
        String degraded,
        String preferred,
        long spareDelayNanos,
        JobOptions jobs) {
    public static final ArrayOptions DEFAULT =
            new ArrayOptions(
                    0,
                    MetadataPlace.START,
                    true,
                    false,
                    false,
                    null,
                    false,
                    "",
                    null,
                    5 * 60 * 1_000_000_000L,
                    JobOptions.DEFAULT);

    /// With the user's word.
    public ArrayOptions withDegraded(String word) {
        return new ArrayOptions(
                sizeBytes,
                metadata,
                bitmap,
                integrity,
                assumeClean,
                primary,
                force,
                word,
                preferred,
                spareDelayNanos,
                jobs);
    }
}

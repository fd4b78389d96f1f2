package org.unifiedvolume.raid.integrity;

/// Where checksums prove less than they should: after an unclean stop a block that was being
/// changed may be there without its checksum, or the checksum without the block.
@FunctionalInterface
public interface Doubt {
    /// Nothing was ever stopped uncleanly.
    Doubt NONE = row -> false;

    /// Whether a block may have been under way when the array stopped. On any thread; must not
    /// block for long.
    ///
    /// @param row where in the member's data area it lies, in bytes
    boolean isDoubtful(long row);
}

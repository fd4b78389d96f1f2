package org.unifiedvolume.raid.redundant;

import java.util.UUID;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.volume.Member;

/// The member that a leg is made of, and where its data lie.
///
/// @param opened as the layout got it; may be missing
/// @param uuid its identity, from its superblock
/// @param dataOffsetBytes where its data area begins
record LegMember(LayoutMember opened, UUID uuid, long dataOffsetBytes) {
    String name() {
        return opened.name();
    }

    Locality locality() {
        return opened.locality();
    }

    /// Null if it is missing.
    Member device() {
        return opened.device();
    }
}

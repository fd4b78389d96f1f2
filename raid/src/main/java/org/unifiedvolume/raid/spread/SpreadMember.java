package org.unifiedvolume.raid.spread;

import java.util.UUID;
import org.unifiedvolume.raid.array.Part;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.raid.superblock.SuperblockSlots;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.volume.Member;

/// A member of an array that needs all of them.
///
/// @param opened is there
/// @param uuid its identity, from its superblock
/// @param slots where its superblocks go
/// @param areas what lies where on it
/// @param rowBytes how much of its data area is used
record SpreadMember(
        LayoutMember opened, UUID uuid, SuperblockSlots slots, MemberAreas areas, long rowBytes) {
    String name() {
        return opened.name();
    }

    Member device() {
        return opened.device();
    }

    Part part() {
        return new Part(opened, areas.data().offset(), rowBytes);
    }
}

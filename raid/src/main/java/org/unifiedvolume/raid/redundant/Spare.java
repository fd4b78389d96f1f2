package org.unifiedvolume.raid.redundant;

import java.time.Instant;
import org.unifiedvolume.raid.superblock.MemberState;
import org.unifiedvolume.spi.LayoutMember;

/// A member that waits for a role: it carries the array's superblock and none of its data.
///
/// @param member may be missing
/// @param seat where its superblocks go, and what lies where on it; null while it is missing
/// @param since since when it waits
record Spare(LegMember member, Superblocks.Seat seat, Instant since) {
    private static final int NO_ROLE = -1;

    String name() {
        return member.name();
    }

    LayoutMember opened() {
        return member.opened();
    }

    boolean isMissing() {
        return member.device() == null;
    }

    boolean isMember(LegMember other) {
        return member.uuid().equals(other.uuid());
    }

    /// What superblocks say of it.
    ArrayState.Entry entry() {
        return new ArrayState.Entry(
                member.uuid(), NO_ROLE, name(), MemberState.SPARE, since.toEpochMilli(), 0, 0);
    }
}

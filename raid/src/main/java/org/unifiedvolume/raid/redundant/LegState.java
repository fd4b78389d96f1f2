package org.unifiedvolume.raid.redundant;

import org.unifiedvolume.raid.superblock.MemberState;

/// What a leg holds.
public enum LegState {
    /// Every acknowledged change: it may be read.
    IN_SYNC(MemberState.IN_SYNC),
    /// Every change from now on; a job fills in the rest.
    REBUILDING(MemberState.REBUILDING),
    /// Everything but what its queue still holds ([BehindQueue]), and regions that are marked in
    /// the bitmap. On disk that is a rebuild which has come to its end.
    BEHIND(MemberState.REBUILDING),
    /// It lacks acknowledged changes, and takes none.
    STALE(MemberState.STALE);

    private final MemberState recorded;

    LegState(MemberState recorded) {
        this.recorded = recorded;
    }

    /// What a leg of this state in a superblock holds.
    static LegState of(MemberState recorded) {
        return switch (recorded) {
            case IN_SYNC -> IN_SYNC;
            case REBUILDING, REPLACING -> REBUILDING;
            case STALE, SPARE, REMOVED -> STALE;
        };
    }

    /// What superblocks call it.
    MemberState recorded() {
        return recorded;
    }

    /// Whether it lacks no acknowledged change.
    boolean isComplete() {
        return this == IN_SYNC;
    }

    boolean takesChanges() {
        return this != STALE;
    }
}

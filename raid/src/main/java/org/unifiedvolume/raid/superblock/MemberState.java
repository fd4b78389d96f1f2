package org.unifiedvolume.raid.superblock;

/// What a member holds, as superblocks know it. The numbers stand on disk.
public enum MemberState {
    IN_SYNC(1),
    REBUILDING(2),
    STALE(3),
    /// It waits for a role.
    SPARE(4),
    /// It is being given all that the member in its role holds, to take its place.
    REPLACING(5),
    /// Nobody: the member that had the role was taken out by hand.
    REMOVED(6);

    private final int number;

    MemberState(int number) {
        this.number = number;
    }

    /// Whether a member of this state is the one that has its role.
    boolean hasRole() {
        return this != SPARE && this != REPLACING;
    }

    int number() {
        return number;
    }

    /// The state of a number; null if there is none.
    static MemberState of(int number) {
        for (MemberState state : values()) {
            if (state.number == number) {
                return state;
            }
        }
        return null;
    }
}

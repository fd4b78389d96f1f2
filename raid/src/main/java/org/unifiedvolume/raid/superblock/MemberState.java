package org.unifiedvolume.raid.superblock;

/// What a member holds, as superblocks know it. The numbers stand on disk.
public enum MemberState {
    IN_SYNC(1),
    REBUILDING(2),
    STALE(3),
    SPARE(4);

    private final int number;

    MemberState(int number) {
        this.number = number;
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

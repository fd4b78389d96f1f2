package org.unifiedvolume.raid.superblock;

/// Bytes that are no superblock that this release can use.
public final class SuperblockFault extends Exception {
    private static final long serialVersionUID = 1;

    /// What is the matter with them.
    public enum Kind {
        /// Nothing says that this was ever one.
        NONE,
        /// It was one, and is damaged or was torn.
        DAMAGED,
        /// It was written by a later release.
        FUTURE,
        /// Its checksum is right, and what it says cannot be.
        IMPOSSIBLE
    }

    private final Kind kind;

    SuperblockFault(Kind kind, String message) {
        super(message, null, false, false);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }
}

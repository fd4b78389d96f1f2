package org.unifiedvolume.raid.mirror;

/// What is known of a leg's bytes. The names stand in the record; do not rename them.
enum LegState {
    /// Holds what the volume holds.
    IN_SYNC,
    /// Has every acknowledged change, but may differ from the primary where a change was under way
    /// when the volume stopped. Takes changes; is read only when nothing better is left.
    UNCLEAN,
    /// Lacks changes that it is being given. Takes changes; is never read.
    REBUILDING,
    /// Lacks changes. Is neither written nor read.
    STALE;

    /// Whether no acknowledged change is missing.
    boolean isComplete() {
        return switch (this) {
            case IN_SYNC, UNCLEAN -> true;
            case REBUILDING, STALE -> false;
        };
    }

    boolean takesChanges() {
        return this != STALE;
    }
}

package org.unifiedvolume.targets.file;

/// Where a member's slow I/O waits: with the kernel, through the loop's ring, or on threads.
///
/// [#AUTO] follows the measurements of decision record 005.
public enum LaneChoice {
    AUTO,
    URING,
    WORKERS;

    /// Whether reads that have to wait for the medium go through the ring.
    boolean readsByRing() {
        return switch (this) {
            case AUTO, URING -> true;
            case WORKERS -> false;
        };
    }

    /// Whether writes that may have to wait go through the ring.
    boolean writesByRing(boolean direct) {
        return switch (this) {
            case AUTO -> direct;
            case URING -> true;
            case WORKERS -> false;
        };
    }

    /// Whether flushes go through the ring.
    boolean flushesByRing() {
        return switch (this) {
            case AUTO, WORKERS -> false;
            case URING -> true;
        };
    }
}

package org.unifiedvolume.targets.file;

/// Where a member's slow I/O waits: with the kernel, through the loop's ring, or on threads.
///
/// A request that does not come from a loop's thread, and any request where there is no `io_uring`,
/// goes to the threads in any case. The choices of [#AUTO] are measured in decision record 005.
public enum LaneChoice {
    /// The ring, but for buffered writes: the kernel would hand these to a thread of its own, one
    /// at a time for a file.
    AUTO,
    /// The ring for reads, writes and flushes.
    URING,
    /// Threads for everything.
    WORKERS;

    /// Whether reads that have to wait for the medium go through the ring.
    boolean readsByRing() {
        return switch (this) {
            case AUTO, URING -> true;
            case WORKERS -> false;
        };
    }

    /// Whether writes go through the ring.
    ///
    /// @param direct whether they bypass the page cache
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
            case AUTO, URING -> true;
            case WORKERS -> false;
        };
    }

    /// Whether long payloads are copied out of the page cache by workers, beside the loop.
    boolean copiesByWorkers() {
        return this != URING;
    }
}

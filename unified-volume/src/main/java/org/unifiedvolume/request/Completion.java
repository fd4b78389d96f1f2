package org.unifiedvolume.request;

/// Is told how a request ended.
@FunctionalInterface
public interface Completion {
    /// Called exactly once for each request submitted, on any thread, perhaps before `submit`
    /// returned. Must not block and must not throw.
    ///
    /// @param request the request as it was submitted to the device that answers
    /// @param outcome how it ended; with [Outcome.Data] the callee takes over one reference
    void complete(IoRequest request, Outcome outcome);

    /// Whether the answer still matters. A request whose answer does not must not be started, nor
    /// started anew: the one who asked was told that it failed, and may have put newer bytes in its
    /// place. On any thread.
    default boolean isAwaited() {
        return true;
    }

    /// The completion of a request that stands for another one below: tells of the one above.
    ///
    /// @param above the request as it was submitted to the device that maps it
    /// @param below the request that goes to the device below
    /// @param done who is told of `above`
    static Completion of(IoRequest above, IoRequest below, Completion done) {
        return below == above ? done : new Mapped(above, done);
    }

    /// Tells of `above` what it is told of a request below.
    record Mapped(IoRequest above, Completion done) implements Completion {
        @Override
        public void complete(IoRequest request, Outcome outcome) {
            done.complete(above, outcome);
        }

        @Override
        public boolean isAwaited() {
            return done.isAwaited();
        }
    }
}

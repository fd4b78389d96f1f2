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

    /// The completion of a request that stands for another one below: tells of the one above.
    ///
    /// @param above the request as it was submitted to the device that maps it
    /// @param below the request that goes to the device below
    /// @param done who is told of `above`
    static Completion of(IoRequest above, IoRequest below, Completion done) {
        return below == above ? done : (_, outcome) -> done.complete(above, outcome);
    }
}

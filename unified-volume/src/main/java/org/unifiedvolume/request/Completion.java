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
}

package org.unifiedvolume.stack;

import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// Is told what happens in a [RequestStack], for statistics and traces. Called on whatever thread
/// it happens, outside of locks; must be quick.
public interface StackListener {
    /// Listens to nothing.
    StackListener NONE =
            new StackListener() {
                @Override
                public void answered(IoRequest request, Outcome outcome, long enteredNanos) {}

                @Override
                public void expired(IoRequest request, long waitedNanos, boolean wasSent) {}
            };

    /// A request was answered, by the device below or for its deadline.
    void answered(IoRequest request, Outcome outcome, long enteredNanos);

    /// A request's deadline passed before it was answered.
    ///
    /// @param wasSent whether the device below has it: then it may still take effect
    void expired(IoRequest request, long waitedNanos, boolean wasSent);
}

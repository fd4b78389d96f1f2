package org.unifiedvolume.layer;

import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.FanOut;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// Answers a request when all of its children have succeeded, or with the first failure.
final class AllOf extends FanOut {
    private volatile Outcome failure;

    AllOf(IoRequest parent, Completion done) {
        super(parent, done);
    }

    @Override
    protected void childEnded(IoRequest request, Outcome outcome) {
        if (!outcome.isSuccess() && failure == null) {
            failure = outcome;
        }
    }

    @Override
    protected Outcome result() {
        return failure == null ? Outcome.Done.DONE : failure;
    }
}

package org.unifiedvolume.raid.stripe;

import org.unifiedvolume.buffer.FileRange;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// A read that relies on a picture of the shapes until it is answered, or until what it was
/// answered with by reference has been sent.
final class CountedRead implements Completion {
    private final StripePicture picture;
    private final IoRequest request;
    private final Completion done;

    /// @param request what is answered, whatever was asked in its place
    CountedRead(StripePicture picture, IoRequest request, Completion done) {
        this.picture = picture;
        this.request = request;
        this.done = done;
    }

    @Override
    public void complete(IoRequest asked, Outcome outcome) {
        if (outcome instanceof Outcome.InFile(FileRange range)) {
            done.complete(request, new Outcome.InFile(range.releasing(picture::leave)));
        } else {
            picture.leave();
            done.complete(request, outcome);
        }
    }

    @Override
    public boolean isAwaited() {
        return done.isAwaited();
    }
}

package org.unifiedvolume.volume;

import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;

/// The two lanes of a volume. A request's tag names the one it takes.
public final class Lanes {
    private final Lane local = new Lane(Locality.LOCAL);
    private final Lane remote = new Lane(Locality.REMOTE);

    /// The lane that a request takes. A request for members of both kinds was split before it came
    /// here.
    Lane of(IoRequest request) {
        return of(request.tag().locality());
    }

    public Lane of(Locality locality) {
        return switch (locality) {
            case LOCAL -> local;
            case REMOTE -> remote;
            case MIXED -> throw new AssertionError("a request for both lanes reached a member");
        };
    }
}

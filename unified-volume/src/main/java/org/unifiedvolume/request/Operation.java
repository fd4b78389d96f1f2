package org.unifiedvolume.request;

/// The kinds of [IoRequest], for tags, statistics and traces.
public enum Operation {
    READ,
    WRITE,
    ZERO,
    DISCARD,
    FLUSH,
    PREFETCH,
    LOCATE;

    /// Whether the operation changes what a later read returns.
    public boolean changesData() {
        return switch (this) {
            case WRITE, ZERO, DISCARD -> true;
            case READ, FLUSH, PREFETCH, LOCATE -> false;
        };
    }
}

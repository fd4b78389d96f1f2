package org.unifiedvolume.request;

import java.util.concurrent.atomic.AtomicLong;

/// Hands out the ids of requests: 1, 2, 3 … within one process.
public final class RequestIds {
    private final AtomicLong last = new AtomicLong();

    public long next() {
        return last.incrementAndGet();
    }
}

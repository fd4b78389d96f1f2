package org.unifiedvolume.raid.mirror;

import java.util.concurrent.atomic.AtomicInteger;

/// How busy a leg is with reads, and how fast it answers.
///
/// Any thread may read and write it at once: a lost update only makes an estimate older.
final class ReadLoad {
    private static final int SMOOTHING_SHIFT = 3;

    private final AtomicInteger outstanding = new AtomicInteger();
    private long smoothedNanos;
    private long nextOffsetBytes = -1;

    /// What a read would probably wait for here.
    long cost() {
        return (smoothedNanos + 1) * (outstanding.getOpaque() + 1);
    }

    boolean continuesAt(long offsetBytes) {
        return nextOffsetBytes == offsetBytes;
    }

    void readStarts(long endBytes) {
        nextOffsetBytes = endBytes;
        outstanding.getAndIncrement();
    }

    void readEnds(long nanos) {
        outstanding.getAndDecrement();
        smoothedNanos += (nanos - smoothedNanos) >> SMOOTHING_SHIFT;
    }
}

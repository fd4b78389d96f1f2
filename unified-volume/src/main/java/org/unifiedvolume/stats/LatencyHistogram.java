package org.unifiedvolume.stats;

import java.util.concurrent.atomic.AtomicLongArray;

/// Counts durations in buckets that grow with the duration: 16 to each power of two, so a
/// percentile is at most 6.25 % too high, from nanoseconds to hours.
public final class LatencyHistogram {
    private static final int SUB_BITS = 4;
    private static final int SUB_COUNT = 1 << SUB_BITS;
    private static final int BUCKETS = (Long.SIZE - SUB_BITS) * SUB_COUNT;

    private final AtomicLongArray counts = new AtomicLongArray(BUCKETS);

    public void record(long nanos) {
        counts.getAndIncrement(bucketOf(nanos));
    }

    static int bucketOf(long nanos) {
        if (nanos < SUB_COUNT) {
            return (int) Math.max(nanos, 0);
        }
        int power = Long.SIZE - 1 - Long.numberOfLeadingZeros(nanos);
        int sub = (int) (nanos >>> (power - SUB_BITS)) - SUB_COUNT;
        return (power - SUB_BITS + 1) * SUB_COUNT + sub;
    }

    /// The longest duration that a bucket counts.
    static long upperNanos(int bucket) {
        if (bucket < SUB_COUNT) {
            return bucket;
        }
        int shift = bucket / SUB_COUNT - 1;
        long lower = (long) (SUB_COUNT + bucket % SUB_COUNT) << shift;
        return lower + (1L << shift) - 1;
    }

    /// Adds what has been counted to a sum of several histograms.
    void addTo(long[] sums) {
        for (int i = 0; i < BUCKETS; i++) {
            sums[i] += counts.get(i);
        }
    }

    static long[] newSums() {
        return new long[BUCKETS];
    }

    /// The duration that the given share of all counted ones does not exceed, in nanoseconds; 0 if
    /// nothing was counted.
    ///
    /// @param share between 0 and 1
    static long percentileNanos(long[] sums, double share) {
        long total = 0;
        for (long count : sums) {
            total += count;
        }
        if (total == 0) {
            return 0;
        }
        long wanted = Math.max(1, (long) Math.ceil(total * share));
        long seen = 0;
        for (int i = 0; i < sums.length; i++) {
            seen += sums[i];
            if (seen >= wanted) {
                return upperNanos(i);
            }
        }
        return upperNanos(sums.length - 1);
    }
}

package org.unifiedvolume.testkit;

import java.util.StringJoiner;

/// How many faults of each kind were injected. For one thread at a time.
public final class FaultCounts {
    private final long[] counts = new long[DiskFault.values().length];

    public void count(DiskFault kind) {
        counts[kind.ordinal()]++;
    }

    public long of(DiskFault kind) {
        return counts[kind.ordinal()];
    }

    public void add(FaultCounts others) {
        for (int i = 0; i < counts.length; i++) {
            counts[i] += others.counts[i];
        }
    }

    public long total() {
        long total = 0;
        for (long count : counts) {
            total += count;
        }
        return total;
    }

    /// All kinds that occurred: `12 kills, 3 hangs`.
    @Override
    public String toString() {
        StringJoiner all = new StringJoiner(", ");
        for (DiskFault kind : DiskFault.values()) {
            if (of(kind) > 0) {
                all.add(of(kind) + " " + kind.plural());
            }
        }
        return all.toString();
    }
}

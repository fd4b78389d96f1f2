package org.unifiedvolume.stats;

import java.util.Arrays;
import org.unifiedvolume.request.Operation;

/// The counters of a [Meter] at one moment.
public final class MeterReading {
    private final long[][] latency;
    private final long[] bytes;
    private final long[] failures;

    MeterReading(long[][] latency, long[] bytes, long[] failures) {
        this.latency = latency;
        this.bytes = bytes;
        this.failures = failures;
    }

    /// Answered requests, failed ones included.
    public long requests(Operation operation) {
        return Arrays.stream(latency[operation.ordinal()]).sum();
    }

    public long bytes(Operation operation) {
        return bytes[operation.ordinal()];
    }

    public long failures(Operation operation) {
        return failures[operation.ordinal()];
    }

    public long failures() {
        return Arrays.stream(failures).sum();
    }

    /// The latency that the given share of the requests did not exceed, in nanoseconds.
    ///
    /// @param share between 0 and 1: 0.99 for the 99th percentile
    public long percentileNanos(Operation operation, double share) {
        return LatencyHistogram.percentileNanos(latency[operation.ordinal()], share);
    }

    /// What was counted after `earlier` was read from the same meter.
    public MeterReading since(MeterReading earlier) {
        long[][] latencyThen = new long[latency.length][];
        long[] bytesThen = new long[bytes.length];
        long[] failuresThen = new long[failures.length];
        for (int i = 0; i < latency.length; i++) {
            latencyThen[i] = latency[i].clone();
            for (int k = 0; k < latencyThen[i].length; k++) {
                latencyThen[i][k] -= earlier.latency[i][k];
            }
            bytesThen[i] = bytes[i] - earlier.bytes[i];
            failuresThen[i] = failures[i] - earlier.failures[i];
        }
        return new MeterReading(latencyThen, bytesThen, failuresThen);
    }
}

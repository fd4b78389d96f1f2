package org.unifiedvolume.stats;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.unifiedvolume.request.Operation;

/// What a volume or a member has done: requests, bytes, failures and latency, for each operation.
///
/// Threads record into one of a few cells by their id, so that two loops seldom write to the same
/// cache line; a cell is made when it is first needed.
public final class Meter {
    private static final int SHARDS = 8;
    private static final int OPERATIONS = Operation.values().length;

    private static final class Cell {
        private final LatencyHistogram latency = new LatencyHistogram();
        private final AtomicLong bytes = new AtomicLong();
        private final AtomicLong failures = new AtomicLong();
    }

    private final AtomicReferenceArray<Cell> cells =
            new AtomicReferenceArray<>(SHARDS * OPERATIONS);

    /// Counts one answered request.
    public void record(Operation operation, long bytes, long nanos, boolean succeeded) {
        Cell cell = cell(operation);
        cell.latency.record(nanos);
        cell.bytes.getAndAdd(bytes);
        if (!succeeded) {
            cell.failures.getAndIncrement();
        }
    }

    private Cell cell(Operation operation) {
        int shard = (int) Thread.currentThread().threadId() & (SHARDS - 1);
        int index = shard * OPERATIONS + operation.ordinal();
        Cell cell = cells.get(index);
        if (cell == null) {
            cells.compareAndSet(index, null, new Cell());
            cell = cells.get(index);
        }
        return cell;
    }

    /// A copy of the counters; requests that end meanwhile may or may not be in it.
    public MeterReading read() {
        long[][] latency = new long[OPERATIONS][];
        long[] bytes = new long[OPERATIONS];
        long[] failures = new long[OPERATIONS];
        for (int i = 0; i < OPERATIONS; i++) {
            latency[i] = LatencyHistogram.newSums();
        }
        for (int i = 0; i < SHARDS * OPERATIONS; i++) {
            Cell cell = cells.get(i);
            if (cell != null) {
                int operation = i % OPERATIONS;
                cell.latency.addTo(latency[operation]);
                bytes[operation] += cell.bytes.get();
                failures[operation] += cell.failures.get();
            }
        }
        return new MeterReading(latency, bytes, failures);
    }
}

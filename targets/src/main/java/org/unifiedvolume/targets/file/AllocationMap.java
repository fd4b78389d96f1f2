package org.unifiedvolume.targets.file;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.unifiedvolume.request.Extent;

/// Remembers which ranges of a file hold data, so that the file is walked once and not for every
/// question: on a filesystem in memory `SEEK_HOLE` visits every page of the extent it is in.
///
/// Nothing is kept until somebody first asks. From then on every change tells the map. A walk runs
/// without the lock; its result is remembered only if nothing was changed meanwhile, so a hole is
/// never remembered where an acknowledged write has put data.
final class AllocationMap {
    /// Finds out what lies at an offset.
    interface Walker {
        /// The extent that holds `offsetBytes`, from there on.
        Extent walk(long offsetBytes);
    }

    private record Run(long endBytes, Extent.Kind kind) {}

    /// So many remembered runs; beyond that the map forgets all and starts anew.
    private static final int MAX_RUNS = 100_000;

    private final ReentrantLock lock = new ReentrantLock();
    private final TreeMap<Long, Run> runs = new TreeMap<>();
    private long changes;
    private volatile boolean armed;

    /// Notes that a range holds data from now on. Called after the bytes are in the file and before
    /// the write is acknowledged.
    void dataWritten(long offset, long length) {
        if (armed) {
            replace(offset, length, Extent.Kind.DATA);
        }
    }

    /// Notes that a range may have changed in a way that only a new walk can tell. Called before
    /// the change is acknowledged.
    void changed(long offset, long length) {
        if (armed) {
            replace(offset, length, null);
        }
    }

    /// What is remembered of a range, from its start on as far as that goes without a gap; empty if
    /// nothing is known of its start.
    List<Extent> recall(long offset, long length) {
        List<Extent> extents = new ArrayList<>();
        lock.lock();
        try {
            long at = offset;
            long end = offset + length;
            Map.Entry<Long, Run> entry = runs.floorEntry(at);
            while (at < end && entry != null && entry.getValue().endBytes > at) {
                long until = Math.min(end, entry.getValue().endBytes);
                append(extents, until - at, entry.getValue().kind);
                at = until;
                entry = runs.floorEntry(at);
            }
        } finally {
            lock.unlock();
        }
        return extents;
    }

    /// Answers a range, walking where nothing is remembered. May block.
    ///
    /// @param maxExtents after how many extents to stop
    List<Extent> locate(long offset, long length, int maxExtents, Walker walker) {
        armed = true;
        List<Extent> extents = new ArrayList<>();
        long at = offset;
        long end = offset + length;
        while (at < end && extents.size() < maxExtents) {
            List<Extent> known = recall(at, end - at);
            for (Extent extent : known) {
                append(extents, extent.lengthBytes(), extent.kind());
                at += extent.lengthBytes();
            }
            if (at < end) {
                long before = changeCount();
                Extent walked = walker.walk(at);
                remember(at, walked, before);
                long part = Math.min(walked.lengthBytes(), end - at);
                append(extents, part, walked.kind());
                at += part;
            }
        }
        return extents;
    }

    private long changeCount() {
        lock.lock();
        try {
            return changes;
        } finally {
            lock.unlock();
        }
    }

    private void remember(long offset, Extent walked, long changesBefore) {
        lock.lock();
        try {
            if (changes == changesBefore) {
                put(offset, offset + walked.lengthBytes(), walked.kind());
            }
        } finally {
            lock.unlock();
        }
    }

    private void replace(long offset, long length, Extent.Kind kind) {
        if (length == 0) {
            return;
        }
        lock.lock();
        try {
            changes++;
            Map.Entry<Long, Run> entry = runs.floorEntry(offset);
            if (kind != null
                    && entry != null
                    && entry.getValue().kind == kind
                    && entry.getValue().endBytes >= offset + length) {
                return;
            }
            if (kind == null) {
                cut(offset, offset + length);
            } else {
                put(offset, offset + length, kind);
            }
        } finally {
            lock.unlock();
        }
    }

    /// Under the lock: sets a range, joined with neighbours of the same kind.
    private void put(long start, long end, Extent.Kind kind) {
        cut(start, end);
        long from = start;
        long to = end;
        Map.Entry<Long, Run> before = runs.lowerEntry(start);
        if (before != null
                && before.getValue().endBytes == start
                && before.getValue().kind == kind) {
            from = before.getKey();
        }
        Run behind = runs.get(end);
        if (behind != null && behind.kind == kind) {
            to = behind.endBytes;
            runs.remove(end);
        }
        if (runs.size() >= MAX_RUNS) {
            runs.clear();
        }
        runs.put(from, new Run(to, kind));
    }

    /// Under the lock: forgets a range.
    private void cut(long start, long end) {
        Map.Entry<Long, Run> entry = runs.lowerEntry(end);
        while (entry != null && entry.getValue().endBytes > start) {
            long runStart = entry.getKey();
            Run run = entry.getValue();
            runs.remove(runStart);
            if (run.endBytes > end) {
                runs.put(end, new Run(run.endBytes, run.kind));
            }
            if (runStart < start) {
                runs.put(runStart, new Run(start, run.kind));
                return;
            }
            entry = runs.lowerEntry(end);
        }
    }

    private static void append(List<Extent> extents, long length, Extent.Kind kind) {
        int last = extents.size() - 1;
        if (last >= 0 && extents.get(last).kind() == kind) {
            extents.set(last, new Extent(extents.get(last).lengthBytes() + length, kind));
        } else {
            extents.add(new Extent(length, kind));
        }
    }
}

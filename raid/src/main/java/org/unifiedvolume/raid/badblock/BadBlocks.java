package org.unifiedvolume.raid.badblock;

import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.Invariant;

/// What of one member's data area is lost: ranges of rows, in order, that neither overlap nor
/// touch. Immutable, so looking takes no lock.
public final class BadBlocks {
    /// How many ranges a list on disk has room for.
    public static final int MAX_RANGES = 127;

    /// A list of nothing.
    public static final BadBlocks NONE = new BadBlocks(List.of());

    /// Rows that are lost.
    public record Range(long row, long lengthBytes) {
        /// The row after the last one.
        public long end() {
            return row + lengthBytes;
        }

        private boolean overlaps(long otherRow, long otherEnd) {
            return row < otherEnd && otherRow < end();
        }
    }

    private final List<Range> ranges;

    private BadBlocks(List<Range> ranges) {
        this.ranges = ranges;
    }

    /// A list of ranges that are as they must be.
    static BadBlocks of(List<Range> ranges) {
        return ranges.isEmpty() ? NONE : new BadBlocks(List.copyOf(ranges));
    }

    /// Whether nothing is lost.
    public boolean isEmpty() {
        return ranges.isEmpty();
    }

    /// What is lost, in order.
    public List<Range> ranges() {
        return ranges;
    }

    /// How much is lost.
    public long totalBytes() {
        long total = 0;
        for (Range range : ranges) {
            total += range.lengthBytes;
        }
        return total;
    }

    /// Whether a list on disk has room for this one.
    public boolean fits() {
        return ranges.size() <= MAX_RANGES;
    }

    /// Whether one of some rows is lost.
    public boolean overlaps(long row, long lengthBytes) {
        return lastBefore(row + lengthBytes, row) != null;
    }

    /// Whether all of some rows are lost.
    public boolean covers(long row, long lengthBytes) {
        Range last = lastBefore(row + lengthBytes, row);
        return last != null && last.row <= row && last.end() >= row + lengthBytes;
    }

    /// The last range that begins before a row, if it ends after another one: of those that begin
    /// before the end of some rows it is the only one that can matter.
    private Range lastBefore(long end, long row) {
        int low = 0;
        int high = ranges.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (ranges.get(middle).row < end) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low > 0 && ranges.get(low - 1).end() > row ? ranges.get(low - 1) : null;
    }

    /// This list and some rows.
    public BadBlocks plus(long row, long lengthBytes) {
        Invariant.check(row >= 0 && lengthBytes > 0, "bad rows at %d that are not there", row);
        long start = row;
        long end = row + lengthBytes;
        List<Range> before = new ArrayList<>();
        List<Range> after = new ArrayList<>();
        for (Range range : ranges) {
            if (range.end() < start) {
                before.add(range);
            } else if (range.row > end) {
                after.add(range);
            } else {
                start = Math.min(start, range.row);
                end = Math.max(end, range.end());
            }
        }
        before.add(new Range(start, end - start));
        before.addAll(after);
        return of(before);
    }

    /// This list without some rows; one range longer if they lie in the middle of one.
    public BadBlocks minus(long row, long lengthBytes) {
        if (!overlaps(row, lengthBytes)) {
            return this;
        }
        long end = row + lengthBytes;
        List<Range> left = new ArrayList<>();
        for (Range range : ranges) {
            if (!range.overlaps(row, end)) {
                left.add(range);
                continue;
            }
            if (range.row < row) {
                left.add(new Range(range.row, row - range.row));
            }
            if (range.end() > end) {
                left.add(new Range(end, range.end() - end));
            }
        }
        return of(left);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof BadBlocks list && ranges.equals(list.ranges);
    }

    @Override
    public int hashCode() {
        return ranges.hashCode();
    }

    @Override
    public String toString() {
        return ranges.toString();
    }
}

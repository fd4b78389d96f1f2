package org.unifiedvolume.raid.bitmap;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.unifiedvolume.Invariant;
import org.unifiedvolume.request.DeviceFault;

/// What of one member's data area is lost, so that reading it is an error until it is written again
/// (`docs/on-disk-format.md`, "Bad-block list").
///
/// Ranges of rows, in order, that neither overlap nor touch. Safe for concurrent callers: a change
/// puts a new list in the place of the old one, so looking takes no lock.
public final class BadBlocks {
    /// How large the list is on disk.
    public static final int BLOCK_BYTES = 4096;

    /// How many ranges a list has room for.
    public static final int MAX_RANGES = 255;

    private static final int COUNT_OFFSET = 4;
    private static final int RANGES_OFFSET = 8;
    private static final int RANGE_BYTES = 16;

    /// Rows that are lost.
    public record Range(long row, long lengthBytes) {
        private long end() {
            return row + lengthBytes;
        }

        private boolean overlaps(long otherRow, long otherEnd) {
            return row < otherEnd && otherRow < end();
        }
    }

    private final long rowBytes;
    private volatile List<Range> ranges;

    /// A list of nothing.
    ///
    /// @param rowBytes how large the member's data area is
    public BadBlocks(long rowBytes) {
        this(rowBytes, List.of());
    }

    private BadBlocks(long rowBytes, List<Range> ranges) {
        this.rowBytes = rowBytes;
        this.ranges = ranges;
    }

    /// Whether nothing is lost; cheap enough for every read.
    public boolean isEmpty() {
        return ranges.isEmpty();
    }

    /// What is lost, in order.
    public List<Range> ranges() {
        return ranges;
    }

    /// Whether one of some rows is lost.
    public boolean overlaps(long row, long lengthBytes) {
        List<Range> now = ranges;
        if (now.isEmpty()) {
            return false;
        }
        // The last range that begins before the end of the rows is the only one that can matter.
        int low = 0;
        int high = now.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (now.get(middle).row < row + lengthBytes) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low > 0 && now.get(low - 1).end() > row;
    }

    /// Rows are lost.
    ///
    /// @return whether the list had room; if not, it is as it was
    public synchronized boolean add(long row, long lengthBytes) {
        check(row, lengthBytes);
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
        return replace(before);
    }

    /// Rows have been written again.
    ///
    /// @return whether the list had room for the two ranges that remain of one whose middle was
    ///     written; if not, it is as it was, and good rows count as lost until more is written
    public synchronized boolean remove(long row, long lengthBytes) {
        check(row, lengthBytes);
        if (!overlaps(row, lengthBytes)) {
            return true;
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
        return replace(left);
    }

    private boolean replace(List<Range> wanted) {
        if (wanted.size() > MAX_RANGES) {
            return false;
        }
        ranges = List.copyOf(wanted);
        return true;
    }

    private void check(long row, long lengthBytes) {
        Invariant.check(
                isWithin(row, lengthBytes, rowBytes), "bad rows at %d that are not there", row);
    }

    private static boolean isWithin(long row, long lengthBytes, long rowBytes) {
        return row >= 0 && lengthBytes > 0 && row <= rowBytes - lengthBytes;
    }

    /// The bytes of the list, [#BLOCK_BYTES].
    public byte[] encode() {
        List<Range> now = ranges;
        ByteBuffer bytes = ByteBuffer.allocate(BLOCK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(COUNT_OFFSET, now.size());
        bytes.position(RANGES_OFFSET);
        for (Range range : now) {
            bytes.putLong(range.row).putLong(range.lengthBytes);
        }
        bytes.putInt(0, checksum(bytes.array()));
        return bytes.array();
    }

    /// Reads a list.
    ///
    /// @param block what was read
    /// @param rowBytes how large the member's data area is
    /// @throws DeviceFault if it is not a list of this member: what is lost there is not known
    public static BadBlocks decode(byte[] block, long rowBytes) throws DeviceFault {
        if (block.length < BLOCK_BYTES) {
            throw unusable("has %d bytes instead of %d".formatted(block.length, BLOCK_BYTES));
        }
        ByteBuffer bytes = ByteBuffer.wrap(block).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes.getInt(0) != checksum(block)) {
            throw unusable("has a wrong checksum");
        }
        int count = bytes.getInt(COUNT_OFFSET);
        if (count < 0 || count > MAX_RANGES) {
            throw unusable("says that it has %d ranges".formatted(count));
        }
        List<Range> ranges = new ArrayList<>(count);
        long end = -1;
        for (int i = 0; i < count; i++) {
            int at = RANGES_OFFSET + i * RANGE_BYTES;
            Range range = new Range(bytes.getLong(at), bytes.getLong(at + Long.BYTES));
            if (!isWithin(range.row, range.lengthBytes, rowBytes) || range.row <= end) {
                throw unusable("has a range %d that cannot be".formatted(i));
            }
            ranges.add(range);
            end = range.end();
        }
        return new BadBlocks(rowBytes, List.copyOf(ranges));
    }

    private static DeviceFault unusable(String why) {
        return new DeviceFault(DeviceFault.Kind.IO, "the bad-block list " + why);
    }

    private static int checksum(byte[] block) {
        CRC32C crc = new CRC32C();
        crc.update(block, COUNT_OFFSET, BLOCK_BYTES - COUNT_OFFSET);
        return (int) crc.getValue();
    }
}

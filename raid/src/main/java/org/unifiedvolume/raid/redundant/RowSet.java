package org.unifiedvolume.raid.redundant;

import org.unifiedvolume.raid.bitmap.WriteIntentBitmap;

/// The rows that a job has to work through: those that were changed, and those from some row on.
///
/// @param endRow the row after the last one
/// @param filledBytes from this row on everything is to be done
/// @param bitmap tells which of the rows before were changed; null if that is not known
record RowSet(long endRow, long filledBytes, WriteIntentBitmap bitmap) {
    /// All rows.
    static RowSet all(long endRow) {
        return new RowSet(endRow, 0, null);
    }

    /// The first row from `row` on that is to be done; the end if there is none.
    long next(long row) {
        if (row >= filledBytes || bitmap == null) {
            return Math.min(row, endRow);
        }
        return Math.min(bitmap.nextDirty(row), filledBytes < endRow ? filledBytes : endRow);
    }

    /// Where a run of rows that are all to be done ends at the latest.
    long limit(long row) {
        if (row >= filledBytes || bitmap == null) {
            return endRow;
        }
        long region = bitmap.regionBytes();
        return Math.min(endRow, row - row % region + region);
    }

    /// How many bytes of rows are to be done now.
    long totalBytes() {
        long filled = bitmap == null ? 0 : Math.min(filledBytes, endRow);
        long total = endRow - filled;
        for (long row = next(0); row < filled; row = next(limit(row))) {
            total += limit(row) - row;
        }
        return total;
    }
}

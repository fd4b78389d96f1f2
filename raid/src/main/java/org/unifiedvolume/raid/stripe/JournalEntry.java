package org.unifiedvolume.raid.stripe;

import java.util.List;

/// An entry that stands in the ring. Guarded by the journal's lock.
final class JournalEntry {
    private final long sequence;
    private final long start;
    private final long[] rows;
    private int pending;

    /// @param start where it begins, counted on over all rounds of the ring
    /// @param changes what it describes
    JournalEntry(long sequence, long start, List<JournalChange> changes) {
        this.sequence = sequence;
        this.start = start;
        this.rows = new long[2 * changes.size()];
        int count = 0;
        for (JournalChange change : changes) {
            if (change.isJournalled()) {
                rows[count++] = change.row();
                rows[count++] = change.endRow();
                pending++;
                change.entry = this;
            }
        }
    }

    long sequence() {
        return sequence;
    }

    long start() {
        return start;
    }

    boolean describes(long row, long endRow) {
        for (int i = 0; i < rows.length; i += 2) {
            if (rows[i] < endRow && row < rows[i + 1]) {
                return true;
            }
        }
        return false;
    }

    /// Whether all legs have answered what it describes.
    boolean isComplete() {
        return pending == 0;
    }

    void changeEnded() {
        pending--;
    }
}

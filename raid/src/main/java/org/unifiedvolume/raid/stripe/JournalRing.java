package org.unifiedvolume.raid.stripe;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/// The entries that stand in the ring of a journal, and the room that is left. Guarded by the
/// journal's lock.
///
/// An entry counts until its changes have been flushed on their legs and a later entry or a head
/// says so; its place is free when a head says so. Places are counted on over all rounds of the
/// ring.
final class JournalRing {
    private final long ringBytes;
    private final ArrayDeque<JournalEntry> entries = new ArrayDeque<>();

    /// Rows of an entry that could not be written, and may stand in the ring nevertheless.
    private final List<long[]> doubtful = new ArrayList<>();

    private long nextSequence = 1;
    private long flushedSequence;
    private long countingSequence = 1;
    private long nextStart;
    private long tailStart;

    JournalRing(long ringBytes) {
        this.ringBytes = ringBytes;
    }

    long ringBytes() {
        return ringBytes;
    }

    /// It is empty.
    ///
    /// @param sequence what the next entry is called
    void begin(long sequence) {
        nextSequence = sequence;
        flushedSequence = sequence - 1;
        countingSequence = sequence;
    }

    long nextSequence() {
        return nextSequence;
    }

    /// The sequence number of the first entry that was not flushed, or will be written next.
    long oldest() {
        return flushedSequence + 1;
    }

    /// Whether an entry that a replay would carry out describes some of these rows.
    boolean counts(long row, long endRow) {
        for (JournalEntry entry : entries) {
            if (entry.sequence() >= countingSequence && entry.describes(row, endRow)) {
                return true;
            }
        }
        for (long[] rows : doubtful) {
            if (rows[0] < endRow && row < rows[1]) {
                return true;
            }
        }
        return false;
    }

    /// Whether legs have answered everything that any entry describes.
    boolean isComplete() {
        for (JournalEntry entry : entries) {
            if (!entry.isComplete()) {
                return false;
            }
        }
        return true;
    }

    /// Whether everything that any entry describes was flushed.
    boolean isFlushed() {
        return flushedSequence + 1 == nextSequence;
    }

    /// Up to which entry everything has been answered.
    long answered() {
        for (JournalEntry entry : entries) {
            if (!entry.isComplete()) {
                return entry.sequence() - 1;
            }
        }
        return nextSequence - 1;
    }

    /// The changes of all entries up to this one are durable on their legs.
    void flushed(long sequence) {
        flushedSequence = Math.max(flushedSequence, sequence);
    }

    boolean isHalfFull() {
        return nextStart - tailStart > ringBytes / 2;
    }

    /// Whether a head would free enough to be worth its write.
    boolean paysToReclaim() {
        return startAfterFlushed() - tailStart > ringBytes / 8;
    }

    boolean canReclaim() {
        return !entries.isEmpty() && entries.getFirst().sequence() <= flushedSequence;
    }

    /// Where the first entry stands that has not been flushed.
    long startAfterFlushed() {
        for (JournalEntry entry : entries) {
            if (entry.sequence() > flushedSequence) {
                return entry.start();
            }
        }
        return nextStart;
    }

    /// Where the next entry begins if it is so long.
    long startOf(long length) {
        long inRing = nextStart % ringBytes;
        return inRing + length <= ringBytes ? nextStart : nextStart - inRing + ringBytes;
    }

    boolean hasRoom(long length) {
        return startOf(length) + length - tailStart <= ringBytes;
    }

    /// An entry was written.
    ///
    /// @return whether legs have answered everything that it describes: nothing, that is
    boolean written(JournalHeader header, long start, List<JournalChange> changes) {
        JournalEntry entry = new JournalEntry(header.sequence(), start, changes);
        entries.add(entry);
        nextSequence++;
        nextStart = start + header.lengthBytes();
        countingSequence = header.oldest();
        doubtful.clear();
        return entry.isComplete();
    }

    /// Whether an entry may stand in the ring that could not be written.
    boolean isDoubtful() {
        return !doubtful.isEmpty();
    }

    /// An entry could not be written; the next one takes its number, and its place or one that a
    /// replay comes to before.
    void notWritten(List<JournalChange> changes) {
        for (JournalChange change : changes) {
            if (change.recordCount() > 0) {
                doubtful.add(new long[] {change.row(), change.endRow()});
            }
        }
    }

    /// A head was written.
    ///
    /// @param tail where the oldest entry that counts begins
    /// @param isNewGeneration whether entries of before never count again
    void headWritten(JournalHead head, long tail, boolean isNewGeneration) {
        if (isNewGeneration) {
            doubtful.clear();
        }
        countingSequence = head.sequence();
        tailStart = tail;
        entries.removeIf(entry -> entry.sequence() < head.sequence());
    }
}

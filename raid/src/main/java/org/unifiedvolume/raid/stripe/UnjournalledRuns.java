package org.unifiedvolume.raid.stripe;

import java.util.TreeMap;

/// Whether whole stripes were written that the journal does not hold, and that no flush has made
/// durable since.
///
/// Parity of a later change in such a stripe is computed from bytes that a power cut may take back.
/// If a leg is lost with them, what that change wrote on it is lost too; so a change that is to be
/// durable has to wait for a flush of all legs.
///
/// Flushes are numbered as they begin; a run ends before those that begin later, which make it
/// durable. Safe for use by many threads.
final class UnjournalledRuns {
    private final TreeMap<Long, Long> journalMarks = new TreeMap<>();
    private long flushesBegun;
    private long lastRun = -1;
    private long flushed;

    /// A flush begins.
    ///
    /// @param journalMark how far it makes the journal's changes durable
    /// @return the flush's number
    synchronized long flushBegins(long journalMark) {
        journalMarks.put(++flushesBegun, journalMark);
        return flushesBegun;
    }

    /// A flush has succeeded.
    ///
    /// @return the journal's mark of it; null if a later one has succeeded before
    synchronized Long flushed(long number) {
        Long mark = journalMarks.get(number);
        journalMarks.headMap(number, true).clear();
        flushed = Math.max(flushed, number);
        return mark;
    }

    /// A run has ended, or what failed of it was done at last.
    synchronized void ended() {
        lastRun = flushesBegun;
    }

    /// Whether there is a run that no flush has made durable.
    synchronized boolean areAnyUnflushed() {
        return lastRun >= flushed;
    }
}

package org.unifiedvolume.raid.stripe;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/// The changes that wait for an entry of the journal. Under the journal's lock.
final class JournalQueue {
    private final ArrayDeque<JournalChange> waiting = new ArrayDeque<>();

    void add(JournalChange change) {
        waiting.add(change);
    }

    boolean isEmpty() {
        return waiting.isEmpty();
    }

    List<JournalChange> takeAll() {
        List<JournalChange> all = List.copyOf(waiting);
        waiting.clear();
        return all;
    }

    /// What is written over an entry that may stand in the ring says nothing. A longer one might
    /// not fit into its place: both would stand there with one number.
    List<JournalChange> takeThoseThatSettle() {
        List<JournalChange> settling = new ArrayList<>();
        waiting.removeIf(change -> change.recordCount() == 0 && settling.add(change));
        return settling;
    }

    /// As many as fit into one entry; null if the ring has no room for the first.
    ///
    /// @param mostEntryBytes how long an entry may be, unless a single change needs more
    List<JournalChange> takeBatch(JournalRing ring, long mostEntryBytes) {
        List<JournalChange> batch = new ArrayList<>();
        int records = 0;
        long bytes = 0;
        for (JournalChange change : waiting) {
            records += change.recordCount();
            bytes += change.blockBytes();
            boolean fits =
                    records <= JournalHeader.MOST_RECORDS
                            && JournalHeader.lengthBytes(bytes) <= mostEntryBytes;
            if (!batch.isEmpty() && !fits) {
                break;
            }
            if (!ring.hasRoom(JournalHeader.lengthBytes(bytes))) {
                break;
            }
            batch.add(change);
        }
        if (batch.isEmpty()) {
            return null;
        }
        batch.forEach(change -> waiting.poll());
        return batch;
    }
}

package org.unifiedvolume.cache;

import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.request.Outcome;

/// A read under way whose bytes are meant for the cache, and the reads that wait for it.
///
/// A change of its range that is under way at any moment of the fill's life spoils it: its bytes
/// may be from before the change, and are not kept.
final class Fill {
    /// One who wants a part of the bytes.
    interface Waiter {
        /// The bytes have come.
        ///
        /// @param all the whole fill's; the waiter takes references of its own
        void filled(Fill fill, Buffers all);

        /// The fill failed.
        void failed(Fill fill, Outcome outcome);
    }

    private final long startBytes;
    private final long endBytes;
    private final boolean ahead;
    private volatile boolean spoiled;
    private List<Waiter> waiters = new ArrayList<>(1);

    /// @param ahead whether nobody asked for it yet
    Fill(long startBytes, long endBytes, boolean ahead) {
        this.startBytes = startBytes;
        this.endBytes = endBytes;
        this.ahead = ahead;
    }

    long startBytes() {
        return startBytes;
    }

    long endBytes() {
        return endBytes;
    }

    boolean isAhead() {
        return ahead;
    }

    boolean overlaps(long from, long to) {
        return startBytes < to && from < endBytes;
    }

    boolean covers(long from, long to) {
        return startBytes <= from && to <= endBytes;
    }

    void spoil() {
        spoiled = true;
    }

    boolean isSpoiled() {
        return spoiled;
    }

    /// Lets one more wait.
    ///
    /// @return false if the fill has ended
    synchronized boolean join(Waiter waiter) {
        if (waiters == null) {
            return false;
        }
        waiters.add(waiter);
        return true;
    }

    /// Ends the fill: nobody can join any more.
    synchronized List<Waiter> end() {
        List<Waiter> last = waiters;
        waiters = null;
        return last;
    }
}

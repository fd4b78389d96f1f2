package org.unifiedvolume.raid.redundant;

import java.util.ArrayDeque;
import java.util.concurrent.locks.ReentrantLock;

/// Lets changes of overlapping ranges through one after another, in the order in which they came.
///
/// Two writes that overlap could land in one order on one leg and in the other on the next, and the
/// legs would differ for ever. Those that do not overlap never wait. All holds stand in one list by
/// age; each counts the older ones that it overlaps and is granted when none is left.
public final class RangeLocks {
    /// A range that somebody holds or waits for.
    public abstract static class Hold {
        private final long start;
        private final long end;
        private Hold older;
        private Hold younger;
        private int blockers;

        protected Hold(long row, long lengthBytes) {
            this.start = row;
            this.end = row + lengthBytes;
        }

        private boolean overlaps(Hold other) {
            return start < other.end && other.start < end;
        }

        /// The range is held from now on. Called on the thread that acquires or on one that
        /// releases; must not block.
        protected abstract void granted();
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final ArrayDeque<Hold> ready = new ArrayDeque<>();
    private Hold oldest;
    private Hold youngest;
    private int waitingCount;
    private boolean granting;

    /// Takes a range as soon as every older hold that overlaps it has been released.
    public void acquire(Hold hold) {
        lock.lock();
        try {
            for (Hold other = oldest; other != null; other = other.younger) {
                if (other.overlaps(hold)) {
                    hold.blockers++;
                }
            }
            hold.older = youngest;
            if (youngest == null) {
                oldest = hold;
            } else {
                youngest.younger = hold;
            }
            youngest = hold;
            if (hold.blockers > 0) {
                waitingCount++;
                return;
            }
        } finally {
            lock.unlock();
        }
        hold.granted();
    }

    /// Gives a granted range up, which may grant others.
    public void release(Hold hold) {
        lock.lock();
        try {
            if (waitingCount > 0) {
                for (Hold other = hold.younger; other != null; other = other.younger) {
                    if (other.overlaps(hold) && --other.blockers == 0) {
                        waitingCount--;
                        ready.add(other);
                    }
                }
            }
            unlink(hold);
            if (ready.isEmpty() || granting) {
                return;
            }
            granting = true;
        } finally {
            lock.unlock();
        }
        grantReady();
    }

    private void unlink(Hold hold) {
        if (hold.older == null) {
            oldest = hold.younger;
        } else {
            hold.older.younger = hold.younger;
        }
        if (hold.younger == null) {
            youngest = hold.older;
        } else {
            hold.younger.older = hold.older;
        }
    }

    /// One thread at a time: a change that ends at once and frees the next must not recurse.
    private void grantReady() {
        while (true) {
            Hold next;
            lock.lock();
            try {
                next = ready.poll();
                if (next == null) {
                    granting = false;
                    return;
                }
            } finally {
                lock.unlock();
            }
            next.granted();
        }
    }
}

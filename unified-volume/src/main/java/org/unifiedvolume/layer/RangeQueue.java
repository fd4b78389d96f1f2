package org.unifiedvolume.layer;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/// Keeps changes of overlapping ranges apart where one of them is exclusive; in the order in which
/// they came, so that none waits for ever.
///
/// Safe for concurrent use.
public final class RangeQueue {
    /// A wish to change a range.
    public static final class Claim {
        private final long startBytes;
        private final long endBytes;
        private final boolean exclusive;
        private final Runnable granted;

        /// @param exclusive whether nobody else may change a part of the range meanwhile
        /// @param granted run once, when the range may be changed
        public Claim(long startBytes, long endBytes, boolean exclusive, Runnable granted) {
            this.startBytes = startBytes;
            this.endBytes = endBytes;
            this.exclusive = exclusive;
            this.granted = granted;
        }

        private boolean conflictsWith(Claim other) {
            return (exclusive || other.exclusive)
                    && startBytes < other.endBytes
                    && other.startBytes < endBytes;
        }
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final List<Claim> active = new ArrayList<>();
    private final List<Claim> waiting = new ArrayList<>();

    /// Grants a claim now or later.
    public void claim(Claim claim) {
        lock.lock();
        try {
            if (conflicts(claim, active) || conflicts(claim, waiting)) {
                waiting.add(claim);
                return;
            }
            active.add(claim);
        } finally {
            lock.unlock();
        }
        claim.granted.run();
    }

    /// Ends a granted claim; whoever waited for it goes on, on the calling thread.
    public void release(Claim claim) {
        List<Claim> next = new ArrayList<>();
        lock.lock();
        try {
            active.remove(claim);
            List<Claim> earlier = new ArrayList<>();
            for (Iterator<Claim> each = waiting.iterator(); each.hasNext(); ) {
                Claim waiter = each.next();
                if (conflicts(waiter, active) || conflicts(waiter, earlier)) {
                    earlier.add(waiter);
                } else {
                    each.remove();
                    active.add(waiter);
                    next.add(waiter);
                }
            }
        } finally {
            lock.unlock();
        }
        next.forEach(waiter -> waiter.granted.run());
    }

    private static boolean conflicts(Claim claim, List<Claim> others) {
        for (Claim other : others) {
            if (claim.conflictsWith(other)) {
                return true;
            }
        }
        return false;
    }
}

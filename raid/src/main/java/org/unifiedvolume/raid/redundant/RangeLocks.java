package org.unifiedvolume.raid.redundant;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.unifiedvolume.request.DeviceFault;

/// Lets changes of overlapping ranges through one after another, in the order in which they came.
///
/// Two writes that overlap could land in one order on one leg and in the other on the next, and the
/// legs would differ for ever. Those that do not overlap never wait. All holds stand in one list by
/// age; each counts the older ones that it overlaps and is granted when none is left.
///
/// A hold that may last can refuse others ([#refuse]), so that they fail instead of waiting. One
/// whose work is done but for something that those of its kind see to themselves lets them pass
/// ([#letPass]).
public final class RangeLocks {
    /// A range that somebody holds or waits for.
    public abstract static class Hold {
        private final long start;
        private final long end;
        private Hold older;
        private Hold younger;
        private int blockers;
        private boolean isPassed;
        private DeviceFault refusal;

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

        /// Whether it need not wait for one that lets others pass.
        protected boolean mayPass() {
            return false;
        }

        /// Whether it would rather fail than wait for one that refuses others.
        protected boolean isRefusable() {
            return false;
        }

        /// It waited, or came, for a range whose holder refuses others. Instead of [#granted]; must
        /// not block.
        protected void refused(DeviceFault why) {
            throw new AssertionError("waits for whoever holds the range: " + why);
        }
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final ArrayDeque<Hold> ready = new ArrayDeque<>();
    private Hold oldest;
    private Hold youngest;

    /// Those that let others pass, in any order.
    private final Set<Hold> passed = new LinkedHashSet<>();

    private int waitingCount;
    private boolean granting;

    /// Takes a range as soon as every older hold that overlaps it has been released.
    public void acquire(Hold hold) {
        DeviceFault refusal = null;
        lock.lock();
        try {
            hold.blockers = 0;
            for (Hold other = oldest; other != null; other = other.younger) {
                if (other.overlaps(hold)) {
                    hold.blockers++;
                    refusal = other.refusal == null ? refusal : other.refusal;
                }
            }
            if (!hold.mayPass()) {
                for (Hold other : passed) {
                    hold.blockers += other.overlaps(hold) ? 1 : 0;
                }
            }
            if (refusal == null || !hold.isRefusable()) {
                hold.refusal = refusal; // until it is granted, whoever waits for it waits as long
                append(hold);
                if (hold.blockers > 0) {
                    waitingCount++;
                    return;
                }
            }
        } finally {
            lock.unlock();
        }
        if (refusal != null && hold.isRefusable()) {
            hold.refused(refusal);
        } else {
            hold.granted();
        }
    }

    private static void mark(Hold hold, DeviceFault why, List<Hold> refused) {
        hold.refusal = why;
        for (Hold other = hold.younger; other != null; other = other.younger) {
            if (other.blockers == 0 || other.refusal != null || !other.overlaps(hold)) {
                continue;
            }
            if (other.isRefusable()) {
                other.refusal = why;
                refused.add(other);
            } else {
                mark(other, why, refused);
            }
        }
    }

    private void append(Hold hold) {
        hold.older = youngest;
        hold.younger = null;
        if (youngest == null) {
            oldest = hold;
        } else {
            youngest.younger = hold;
        }
        youngest = hold;
    }

    /// From now on whoever wants a part of a granted range is refused, if it can be; those that
    /// wait for it too.
    public void refuse(Hold hold, DeviceFault why) {
        List<Hold> refused = new ArrayList<>();
        boolean grants;
        lock.lock();
        try {
            mark(hold, why, refused);
            for (Hold other : refused) {
                waitingCount--;
                remove(other);
            }
            grants = mustGrant();
            granting |= grants;
        } finally {
            lock.unlock();
        }
        refused.forEach(other -> other.refused(why));
        if (grants) {
            grantReady();
        }
    }

    /// From now on others that may pass need not wait for a granted range, which others still do.
    public void letPass(Hold hold) {
        lock.lock();
        try {
            if (waitingCount > 0) {
                for (Hold other = hold.younger; other != null; other = other.younger) {
                    if (other.mayPass()) {
                        unblock(hold, other);
                    }
                }
            }
            unlink(hold);
            hold.isPassed = true;
            passed.add(hold);
            if (!mustGrant()) {
                return;
            }
            granting = true;
        } finally {
            lock.unlock();
        }
        grantReady();
    }

    /// Gives a granted range up, which may grant others.
    public void release(Hold hold) {
        lock.lock();
        try {
            remove(hold);
            if (!mustGrant()) {
                return;
            }
            granting = true;
        } finally {
            lock.unlock();
        }
        grantReady();
    }

    /// Takes a hold out; those for which it was the last in the way are ready.
    private void remove(Hold hold) {
        if (hold.isPassed) {
            // Those that wait for it have come later; those that it had to wait for are gone.
            for (Hold other = waitingCount > 0 ? oldest : null; other != null; ) {
                if (!other.mayPass()) {
                    unblock(hold, other);
                }
                other = other.younger;
            }
            passed.remove(hold);
            return;
        }
        if (waitingCount > 0) {
            for (Hold other = hold.younger; other != null; other = other.younger) {
                unblock(hold, other);
            }
        }
        unlink(hold);
    }

    private void unblock(Hold gone, Hold other) {
        if (other.overlaps(gone) && --other.blockers == 0) {
            waitingCount--;
            other.refusal = null;
            ready.add(other);
        }
    }

    private boolean mustGrant() {
        return !ready.isEmpty() && !granting;
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

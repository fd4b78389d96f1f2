package org.unifiedvolume.targets.nbd.member;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.unifiedvolume.request.IoRequest;

/// Where requests of a device wait for a connection, or for room in the log of unflushed changes;
/// none of them beyond its deadline.
///
/// Safe for concurrent use.
final class Parking {
    private final NbdDevice device;
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by lock.
    private final ArrayDeque<Pending> parked = new ArrayDeque<>();
    private boolean watched;

    Parking(NbdDevice device) {
        this.device = device;
    }

    /// Lets a request wait, unless it can go on or has failed by now.
    void park(Pending pending) {
        lock.lock();
        try {
            parked.add(pending);
            watch();
        } finally {
            lock.unlock();
        }
        settle();
    }

    /// Sends what can be sent now, and fails what must not wait longer.
    void settle() {
        List<Pending> ready = new ArrayList<>();
        List<Pending> late = new ArrayList<>();
        lock.lock();
        try {
            if (parked.isEmpty()) {
                return;
            }
            boolean givenUp = device.links().isGivenUp();
            boolean isUp = device.links().isUsable();
            // Writes wait while the log is full; the flush that empties it must not wait behind.
            boolean full = device.unflushed().isFull();
            long now = device.context().timers().nanoTime();
            parked.removeIf(
                    pending -> {
                        if (givenUp || device.isLate(pending, now) || !pending.isAwaited()) {
                            return late.add(pending);
                        }
                        boolean goes =
                                isUp && !(full && pending.request() instanceof IoRequest.Write);
                        return goes && ready.add(pending);
                    });
        } finally {
            lock.unlock();
        }
        late.forEach(device::failUnreachable);
        ready.forEach(device::dispatch);
    }

    private void watch() {
        if (!watched) {
            watched = true;
            long period = Math.max(device.options().deadlineNanos() / 8, 1_000_000L);
            device.context().timers().after(period, this::check);
        }
    }

    private void check() {
        lock.lock();
        try {
            watched = false;
            if (!parked.isEmpty()) {
                watch();
            }
        } finally {
            lock.unlock();
        }
        settle();
    }
}

package org.unifiedvolume.buffer;

import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.unifiedvolume.Invariant;

/// Lets in only as many payload bytes as the pool can hold.
///
/// An export acquires the cost of a request ([BufferPool#costBytes]) before it takes the payload in
/// or asks for one, and releases it when the answer has left. When the limit is reached it stops
/// reading its socket and waits to be called, first come first served: back-pressure reaches the
/// client instead of an error. The limit lies below the pool's ceiling, so what layers need on
/// their own (receive buffers, a second attempt at a read) still finds room.
public final class Admission {
    private record Waiter(long bytes, Runnable admitted) {}

    private final AtomicLong admittedBytes = new AtomicLong();
    private final ReentrantLock lock = new ReentrantLock();
    private final ArrayDeque<Waiter> waiters = new ArrayDeque<>();
    private final long limitBytes;

    /// The length of `waiters`, readable without the lock.
    private volatile int waiting;

    public Admission(long limitBytes) {
        this.limitBytes = limitBytes;
    }

    public long limitBytes() {
        return limitBytes;
    }

    /// Acquires `bytes` at once, or arranges for `admitted` to be run (on the releasing thread)
    /// when they have been acquired for the caller. A request larger than the limit is let in when
    /// nothing else is.
    ///
    /// @return whether the bytes were acquired at once; `admitted` is then not run
    public boolean acquire(long bytes, Runnable admitted) {
        if (waiting == 0 && tryTake(bytes)) {
            return true;
        }
        lock.lock();
        try {
            waiters.add(new Waiter(bytes, admitted));
            waiting = waiters.size();
        } finally {
            lock.unlock();
        }
        // What was released before the waiter stood in the queue has looked for it in vain.
        letIn();
        return false;
    }

    /// Gives bytes back and lets in whoever waits for them.
    public void release(long bytes) {
        long left = admittedBytes.addAndGet(-bytes);
        Invariant.check(left >= 0, "%d bytes admitted", left);
        if (waiting != 0) {
            letIn();
        }
    }

    private void letIn() {
        ArrayDeque<Waiter> ready = new ArrayDeque<>();
        lock.lock();
        try {
            while (!waiters.isEmpty() && tryTake(waiters.peek().bytes)) {
                ready.add(waiters.remove());
            }
            waiting = waiters.size();
        } finally {
            lock.unlock();
        }
        ready.forEach(waiter -> waiter.admitted.run());
    }

    private boolean tryTake(long bytes) {
        long before = admittedBytes.get();
        while (before == 0 || before + bytes <= limitBytes) {
            long found = admittedBytes.compareAndExchange(before, before + bytes);
            if (found == before) {
                return true;
            }
            before = found;
        }
        return false;
    }

    public long admittedBytes() {
        return admittedBytes.get();
    }

    /// How many requests wait to be let in.
    public int waiting() {
        return waiting;
    }
}

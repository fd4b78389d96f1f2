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
///
/// A few clients that take memory and never move on must not stop the others: the last quarter of
/// the limit is kept for *firsts*, short requests of those who hold nothing yet. Firsts have a
/// queue of their own, so that they never wait behind others.
public final class Admission {
    private record Waiter(long bytes, Runnable admitted) {}

    private final AtomicLong admittedBytes = new AtomicLong();
    private final ReentrantLock lock = new ReentrantLock();
    private final Queue firsts;
    private final Queue others;
    private final long limitBytes;

    /// Those who wait for one share of the limit.
    private static final class Queue {
        private final ArrayDeque<Waiter> waiters = new ArrayDeque<>();
        private final long ceilingBytes;

        /// The length of `waiters`, readable without the lock.
        private volatile int length;

        Queue(long ceilingBytes) {
            this.ceilingBytes = ceilingBytes;
        }
    }

    public Admission(long limitBytes) {
        this.limitBytes = limitBytes;
        this.firsts = new Queue(limitBytes);
        this.others = new Queue(limitBytes - limitBytes / 4);
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
        return acquire(others, bytes, admitted);
    }

    /// As [#acquire], for one who holds nothing: if the request is short, the last quarter of the
    /// limit is open to it too.
    public boolean acquireFirst(long bytes, Runnable admitted) {
        return acquire(bytes <= limitBytes / 64 ? firsts : others, bytes, admitted);
    }

    private boolean acquire(Queue queue, long bytes, Runnable admitted) {
        if (queue.length == 0 && tryTake(bytes, queue.ceilingBytes)) {
            return true;
        }
        lock.lock();
        try {
            queue.waiters.add(new Waiter(bytes, admitted));
            queue.length = queue.waiters.size();
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
        if (waiting() != 0) {
            letIn();
        }
    }

    private void letIn() {
        ArrayDeque<Waiter> ready = new ArrayDeque<>();
        lock.lock();
        try {
            letIn(firsts, ready);
            letIn(others, ready);
        } finally {
            lock.unlock();
        }
        ready.forEach(waiter -> waiter.admitted.run());
    }

    private void letIn(Queue queue, ArrayDeque<Waiter> ready) {
        ArrayDeque<Waiter> waiters = queue.waiters;
        while (!waiters.isEmpty() && tryTake(waiters.peek().bytes, queue.ceilingBytes)) {
            ready.add(waiters.remove());
        }
        queue.length = waiters.size();
    }

    private boolean tryTake(long bytes, long ceilingBytes) {
        long before = admittedBytes.get();
        while (before == 0 || before + bytes <= ceilingBytes) {
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
        return firsts.length + others.length;
    }
}

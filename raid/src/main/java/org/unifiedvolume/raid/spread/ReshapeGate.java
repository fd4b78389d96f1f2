package org.unifiedvolume.raid.spread;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// Keeps requests out of the window of an array that is being moved, and tells when those that came
/// before have ended.
///
/// Requests belong to the phase in which they passed; each window that is closed begins another
/// one. When a phase has ended, nobody reads or writes where its requests found their bytes.
final class ReshapeGate {
    /// Carries out requests that may pass.
    interface Passage {
        /// Carries out a request.
        ///
        /// @param positionBytes up to where the array has its new shape
        void pass(IoRequest request, long positionBytes, Completion done);
    }

    private record Waiting(IoRequest request, Completion done) {}

    private final Passage passage;
    private final ReentrantLock lock = new ReentrantLock();
    private List<Waiting> waiting = new ArrayList<>();
    private Phase phase = new Phase();
    private long position;

    /// The window that is closed is from the position up to here.
    private long closedTo;

    /// Why requests of the closed window fail; null if they wait.
    private DeviceFault refusal;

    private long passed;

    ReshapeGate(long position, Passage passage) {
        this.position = position;
        this.closedTo = position;
        this.passage = passage;
    }

    /// Up to where the array has its new shape.
    long position() {
        lock.lock();
        try {
            return position;
        } finally {
            lock.unlock();
        }
    }

    /// How many requests have come so far.
    long passedCount() {
        lock.lock();
        try {
            return passed;
        } finally {
            lock.unlock();
        }
    }

    /// Lets a request pass, or keeps it until the window is open.
    void submit(IoRequest request, Completion done) {
        DeviceFault refused = null;
        Phase own = null;
        long from = 0;
        lock.lock();
        try {
            passed++;
            if (isClosed(request)) {
                refused = refusal;
                if (refused == null) {
                    waiting.add(new Waiting(request, done));
                    return;
                }
            } else {
                own = phase;
                own.underWay++;
                from = position;
            }
        } finally {
            lock.unlock();
        }
        if (refused == null) {
            passage.pass(request, from, new Leaving(this, own, done));
        } else {
            done.complete(request, new Outcome.Failed(refused));
        }
    }

    private boolean isClosed(IoRequest request) {
        return request.offsetBytes() < closedTo
                && request.offsetBytes() + request.lengthBytes() > position;
    }

    /// Keeps requests out of the window that follows the position.
    ///
    /// @param told when all that passed before have ended; once
    void close(long toBytes, Runnable told) {
        Phase ending;
        lock.lock();
        try {
            closedTo = toBytes;
            ending = phase;
            phase = new Phase();
            if (ending.underWay > 0) {
                ending.whenEnded = told;
                return;
            }
        } finally {
            lock.unlock();
        }
        told.run();
    }

    /// From now on requests of the closed window fail, those that wait too.
    void refuse(DeviceFault why) {
        List<Waiting> refused;
        lock.lock();
        try {
            refusal = why;
            refused = waiting;
            waiting = new ArrayList<>();
        } finally {
            lock.unlock();
        }
        refused.forEach(one -> one.done.complete(one.request, new Outcome.Failed(why)));
    }

    /// Opens the window.
    ///
    /// @param newPosition up to where the array has its new shape now
    void open(long newPosition) {
        List<Waiting> released;
        lock.lock();
        try {
            position = newPosition;
            closedTo = newPosition;
            refusal = null;
            released = waiting;
            waiting = new ArrayList<>();
        } finally {
            lock.unlock();
        }
        for (Waiting one : released) {
            if (one.done.isAwaited()) {
                submit(one.request, one.done);
            } else {
                one.done.complete(
                        one.request,
                        Outcome.failed(DeviceFault.Kind.TIMED_OUT, "nobody waits for it any more"));
            }
        }
    }

    private void leave(Phase own) {
        Runnable told;
        lock.lock();
        try {
            own.underWay--;
            told = own.underWay == 0 ? own.whenEnded : null;
        } finally {
            lock.unlock();
        }
        if (told != null) {
            told.run();
        }
    }

    /// The requests that passed between two windows. Guarded by the gate's lock.
    private static final class Phase {
        private long underWay;

        /// Set when no more requests come.
        private Runnable whenEnded;
    }

    private record Leaving(ReshapeGate gate, Phase phase, Completion done) implements Completion {
        @Override
        public void complete(IoRequest request, Outcome outcome) {
            gate.leave(phase);
            done.complete(request, outcome);
        }

        @Override
        public boolean isAwaited() {
            return done.isAwaited();
        }
    }
}

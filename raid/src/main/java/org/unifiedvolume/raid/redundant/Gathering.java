package org.unifiedvolume.raid.redundant;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Write;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Outcome;

/// Gathers sequential writes until they fill a stripe, which then is written without reading
/// anything and without the journal.
///
/// A write that begins a stripe, and goes on where an earlier one ended, waits for its neighbours
/// as long as the changes that were under way when it came, but not longer than [#MOST_NANOS]: the
/// rule of Nagle's algorithm (RFC 896). So who writes one at a time never waits, nor does who
/// writes here and there. What did not become a stripe in time is sent as far as it has come.
///
/// All parts are answered alike when the joined write is. Any thread.
final class Gathering {
    /// How long a write waits at the most.
    static final long MOST_NANOS = 1_000_000;

    /// So many stripes are gathered at once; each keeps its writes' payloads in memory.
    static final int MOST_STRIPES = 16;

    /// So many sequences of writes are told apart.
    private static final int STREAMS = 8;

    private final RedundantArray array;
    private final ReentrantLock lock = new ReentrantLock();
    private final List<Gathered> waiting = new ArrayList<>(MOST_STRIPES);

    /// Where the next write of each sequence would begin.
    private final long[] streams = new long[STREAMS];

    private int nextStream;
    private long begun;
    private long ended;
    private boolean isTimed;

    Gathering(RedundantArray array) {
        this.array = array;
        Arrays.fill(streams, -1);
    }

    /// A write has come.
    ///
    /// @return whether it is sent from here, now or later; else it is up to the caller
    boolean take(Write write, Completion done) {
        long stripe = array.level().gatherBytes();
        if (stripe == 0 || write.lengthBytes() == 0) {
            return false;
        }
        long start = write.offsetBytes();
        long end = start + write.lengthBytes();
        Gathered whole;
        lock.lock();
        try {
            boolean goesOn = goesOn(start, end);
            boolean isPart = write.lengthBytes() < stripe && start / stripe == (end - 1) / stripe;
            if (!isPart) {
                return false;
            }
            Gathered here = isAtStart(start, stripe) ? null : gatheredUpTo(start, write);
            if (here == null) {
                if (goesOn && isAtStart(start, stripe) && mayWait(stripe)) {
                    begin(write, done);
                    return true;
                }
                return false;
            }
            here.add(write, done);
            if (!isAtStart(end, stripe)) {
                return true;
            }
            waiting.remove(here);
            whole = here;
        } finally {
            lock.unlock();
        }
        send(whole);
        return true;
    }

    private static boolean isAtStart(long offset, long stripe) {
        return offset % stripe == 0;
    }

    private boolean mayWait(long stripe) {
        return begun > ended
                && waiting.size() < MOST_STRIPES
                && stripe <= array.shape().maxTransferBytes()
                && !array.isClosed();
    }

    private void begin(Write write, Completion done) {
        long now = array.io().timers().nanoTime();
        waiting.add(new Gathered(write, done, begun, now + MOST_NANOS));
        if (!isTimed) {
            isTimed = true;
            array.io().timers().after(MOST_NANOS, this::sendLate);
        }
    }

    /// Whether a write begins where an earlier one ended.
    private boolean goesOn(long start, long end) {
        for (int i = 0; i < STREAMS; i++) {
            if (streams[i] == start) {
                streams[i] = end;
                return true;
            }
        }
        streams[nextStream] = end;
        nextStream = (nextStream + 1) % STREAMS;
        return false;
    }

    private Gathered gatheredUpTo(long offset, Write write) {
        for (Gathered one : waiting) {
            if (one.endBytes == offset && one.first().durability() == write.durability()) {
                return one;
            }
        }
        return null;
    }

    /// A change is sent.
    void begins() {
        lock.lock();
        try {
            begun++;
        } finally {
            lock.unlock();
        }
    }

    /// A change has been answered: who waited for it goes on.
    void ends() {
        List<Gathered> due = List.of();
        lock.lock();
        try {
            ended++;
            if (!waiting.isEmpty()) {
                due = take(one -> one.begunBefore <= ended);
            }
        } finally {
            lock.unlock();
        }
        due.forEach(this::send);
    }

    private void sendLate() {
        List<Gathered> due;
        lock.lock();
        try {
            long now = array.io().timers().nanoTime();
            due = take(one -> one.latestNanos - now <= 0);
            isTimed = !waiting.isEmpty();
            if (isTimed) {
                array.io().timers().after(MOST_NANOS, this::sendLate);
            }
        } finally {
            lock.unlock();
        }
        due.forEach(this::send);
    }

    /// Sends all that waits; nothing waits any more once the array is closed.
    void close() {
        List<Gathered> all;
        lock.lock();
        try {
            all = List.copyOf(waiting);
            waiting.clear();
        } finally {
            lock.unlock();
        }
        all.forEach(this::send);
    }

    private List<Gathered> take(Predicate<Gathered> isDue) {
        List<Gathered> due = new ArrayList<>();
        for (Iterator<Gathered> all = waiting.iterator(); all.hasNext(); ) {
            Gathered one = all.next();
            if (isDue.test(one)) {
                all.remove();
                due.add(one);
            }
        }
        return due;
    }

    private void send(Gathered gathered) {
        if (gathered.isAwaited()) {
            array.send(gathered.joined(), gathered);
        } else {
            gathered.eachAlone();
        }
    }

    /// Writes that follow one another, from the start of a stripe on.
    private final class Gathered implements Completion {
        private final List<Write> parts = new ArrayList<>();
        private final List<Completion> whoWait = new ArrayList<>();

        /// When so many changes have ended, those have that were under way when it began.
        private final long begunBefore;

        private final long latestNanos;
        private long endBytes;

        Gathered(Write first, Completion done, long begunBefore, long latestNanos) {
            this.begunBefore = begunBefore;
            this.latestNanos = latestNanos;
            add(first, done);
        }

        Write first() {
            return parts.getFirst();
        }

        void add(Write write, Completion done) {
            parts.add(write);
            whoWait.add(done);
            endBytes = write.offsetBytes() + write.lengthBytes();
        }

        Write joined() {
            Write first = first();
            if (parts.size() == 1) {
                return first;
            }
            Buffers[] sources = new Buffers[parts.size()];
            for (int i = 0; i < sources.length; i++) {
                sources[i] = parts.get(i).source();
            }
            IoTag own = first.tag();
            IoTag tag =
                    own.child(
                            array.io().ids().next(),
                            own.locality(),
                            first.offsetBytes(),
                            endBytes - first.offsetBytes());
            return new Write(tag, first.offsetBytes(), Buffers.concat(sources), first.durability());
        }

        @Override
        public void complete(IoRequest request, Outcome outcome) {
            for (int i = 0; i < parts.size(); i++) {
                whoWait.get(i).complete(parts.get(i), outcome);
            }
        }

        /// Somebody does not want an answer any more: his write must not be started.
        void eachAlone() {
            for (int i = 0; i < parts.size(); i++) {
                array.send(parts.get(i), whoWait.get(i));
            }
        }

        @Override
        public boolean isAwaited() {
            return whoWait.stream().allMatch(Completion::isAwaited);
        }
    }
}

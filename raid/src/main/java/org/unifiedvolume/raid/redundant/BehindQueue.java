package org.unifiedvolume.raid.redundant;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Write;
import org.unifiedvolume.request.IoRequest.Zero;
import org.unifiedvolume.request.Outcome;

/// The changes that a write-behind leg gets later than the others, in their order, from the moment
/// in which it takes changes until it is dropped.
///
/// A change begins ([#begin]), is carried out on the other legs, and is added ([#add]): it is let
/// in when there is room within the bounds, and only then acknowledged. Changes of overlapping rows
/// reach the leg one after another; one that a later change covers whole is left out if it has not
/// been sent yet. While the queue is *in step* the leg lacks nothing and counts as complete: the
/// first change that begins then makes it one that is behind ([WriteBehind#fall]).
///
/// Safe for concurrent callers; nobody is called under its lock.
public final class BehindQueue {
    /// How a change gets to the leg.
    public enum Way {
        /// With the other legs: the array cannot let it fall behind now. To be ended with
        /// [#endNow].
        NOW,
        /// By [#add], or not ([#cancel]).
        LATER,
        /// Not at all: the leg was dropped.
        NEVER
    }

    /// So much is on its way to the leg at once: what waits here does not count towards its
    /// deadline.
    private static final int MOST_SENT = 64;

    private static final long MOST_SENT_BYTES = 4L << 20;

    /// What `open` is while the leg is in step.
    private static final long IN_STEP = -1;

    private static final long NANOS_PER_MILLI = 1_000_000;

    /// A change that was carried out on the others.
    private static final class Entry {
        private final IoRequest change;
        private final long row;
        private final long length;
        private final Buffers source;
        private final Runnable admitted;
        private final Runnable ended;
        private long sinceNanos;
        private boolean isAnsweredLate;
        private boolean isLeftOut;

        Entry(
                IoRequest change,
                long row,
                long length,
                Buffers source,
                Runnable admitted,
                Runnable ended) {
            this.change = change;
            this.row = row;
            this.length = length;
            this.source = source;
            this.admitted = admitted;
            this.ended = ended;
        }

        boolean overlaps(long otherRow, long otherLength) {
            return row < otherRow + otherLength && otherRow < row + length;
        }

        void release() {
            if (source != null) {
                source.release();
            }
        }
    }

    private final WriteBehind owner;
    private volatile Leg leg;

    /// How many changes have begun and not ended; or [#IN_STEP].
    private final AtomicLong open;

    /// How many changes have begun so far.
    private final AtomicLong begun = new AtomicLong();

    /// How many changes are under way that go to the leg with the others.
    private final AtomicInteger now = new AtomicInteger();

    /// Whether the leg is about to be in step, so that it gets all bits of the bitmap.
    private volatile boolean joining;

    private final AtomicBoolean watched = new AtomicBoolean();

    private volatile boolean closed;

    /// How many turns are to be taken: answers that come while one is taken are one each.
    private final AtomicInteger turns = new AtomicInteger();

    private final ReentrantLock lock = new ReentrantLock();

    // Under the lock.

    /// Those that wait for room.
    private final ArrayDeque<Entry> knocking = new ArrayDeque<>();

    /// Those that were let in and have not ended, by age.
    private final LinkedHashSet<Entry> inside = new LinkedHashSet<>();

    /// Of these, those that were not sent yet; those that were left out, too.
    private final ArrayDeque<Entry> waiting = new ArrayDeque<>();

    /// Of these, the last one that begins at a row.
    private final Map<Long, Entry> lastAt = new HashMap<>();

    private final Set<Entry> sent = new LinkedHashSet<>();
    private long bytes;
    private long sentBytes;
    private List<Runnable> calls = new ArrayList<>();

    /// @param isInStep whether the leg is complete
    BehindQueue(WriteBehind owner, Leg leg, boolean isInStep) {
        this.owner = owner;
        this.leg = leg;
        this.open = new AtomicLong(isInStep ? IN_STEP : 0);
    }

    Leg leg() {
        return leg;
    }

    /// Its leg has got another role. All rows are held.
    void setLeg(Leg moved) {
        leg = moved;
    }

    // --- changes
    // ----------------------------------------------------------------------------------

    /// A change begins, whose rows are held. If the leg was in step, it is one that is behind
    /// before this returns, though that is not on disk yet.
    public Way begin() {
        while (true) {
            if (closed) {
                return Way.NEVER;
            }
            long before = open.get();
            if (before != IN_STEP) {
                if (open.compareAndSet(before, before + 1)) {
                    begun.incrementAndGet();
                    return Way.LATER;
                }
            } else if (!owner.fall(this)) {
                now.incrementAndGet();
                begun.incrementAndGet(); // before anything is sent
                return Way.NOW;
            }
        }
    }

    /// A change that began to go with the others has ended on the leg.
    public void endNow() {
        now.decrementAndGet();
    }

    /// A change that began is not carried out.
    public void cancel() {
        ended(1);
    }

    private void ended(int count) {
        if (open.addAndGet(-count) == 0 && !closed) {
            owner.drained(this);
        }
    }

    /// The leg is to get a change that the others have.
    ///
    /// @param change a write, or a zeroing
    /// @param row where this leg's part of it begins
    /// @param source what is written there; null if it is no write. Is retained
    /// @param admitted run when the change may be acknowledged for all that this leg minds
    /// @param ended run when it has answered, was dropped, or need not get the change any more;
    ///     after `admitted`
    public void add(
            IoRequest change,
            long row,
            long length,
            Buffers source,
            Runnable admitted,
            Runnable ended) {
        Entry entry = new Entry(change, row, length, source, admitted, ended);
        boolean isTooLate;
        lock.lock();
        try {
            isTooLate = closed;
            if (!isTooLate) {
                if (source != null) {
                    source.retain();
                }
                knocking.add(entry);
            }
        } finally {
            lock.unlock();
        }
        if (isTooLate) {
            admitted.run();
            ended.run();
        } else {
            go();
        }
    }

    /// Whether the leg has no change of some rows before it.
    boolean isFree(long row, long lengthBytes) {
        lock.lock();
        try {
            return inside.stream().noneMatch(entry -> entry.overlaps(row, lengthBytes))
                    && knocking.stream().noneMatch(entry -> entry.overlaps(row, lengthBytes));
        } finally {
            lock.unlock();
        }
    }

    /// Waits until the leg has no change of some rows before it. Only for control threads.
    public void awaitFree(BlockingLegs blocking, long row, long lengthBytes)
            throws InterruptedException {
        while (!closed && !isFree(row, lengthBytes)) {
            blocking.sleep(WriteBehind.LOOK_NANOS);
        }
    }

    // --- the queue
    // --------------------------------------------------------------------------------

    /// Lets in, sends and tells what there is to; one thread at a time.
    private void go() {
        if (turns.getAndIncrement() != 0) {
            return;
        }
        int taken = 1;
        do {
            turn();
            taken = turns.addAndGet(-taken);
        } while (taken != 0);
    }

    private void turn() {
        List<Entry> toSend = new ArrayList<>();
        List<Runnable> toCall;
        lock.lock();
        try {
            while (!knocking.isEmpty() && hasRoom(knocking.peek())) {
                letIn(knocking.poll());
            }
            for (Entry next = nextToSend(); next != null; next = nextToSend()) {
                toSend.add(next);
            }
            toCall = calls;
            calls = new ArrayList<>();
        } finally {
            lock.unlock();
        }
        toCall.forEach(Runnable::run);
        toSend.forEach(this::send);
    }

    private boolean hasRoom(Entry entry) {
        if (inside.isEmpty()) {
            return true;
        }
        boolean isTooOld = owner.nanoTime() - oldest().sinceNanos > owner.mostNanos();
        return !isTooOld && bytes + entry.length <= owner.mostBytes();
    }

    private Entry oldest() {
        return inside.iterator().next();
    }

    private void letIn(Entry entry) {
        entry.sinceNanos = owner.nanoTime();
        entry.isAnsweredLate =
                entry.length > owner.mostBytes() || owner.isMemoryShort(bytes + entry.length);
        bytes += entry.length;
        inside.add(entry);
        waiting.add(entry);
        Entry before = lastAt.put(entry.row, entry);
        if (before != null && before.length <= entry.length) {
            before.isLeftOut = true;
            end(before);
            before.release();
        }
        if (!entry.isAnsweredLate) {
            calls.add(entry.admitted);
        }
    }

    /// Under the lock: an entry counts no more.
    private void end(Entry entry) {
        inside.remove(entry);
        bytes -= entry.length;
        if (entry.isAnsweredLate) {
            calls.add(entry.admitted);
        }
        calls.add(
                () -> {
                    entry.ended.run();
                    ended(1);
                });
    }

    private Entry nextToSend() {
        while (!waiting.isEmpty() && waiting.peek().isLeftOut) {
            waiting.remove();
        }
        Entry next = waiting.peek();
        boolean isFull =
                sent.size() >= MOST_SENT
                        || (next != null
                                && !sent.isEmpty()
                                && sentBytes + next.length > MOST_SENT_BYTES);
        if (next == null || isFull) {
            return null;
        }
        for (Entry other : sent) {
            if (other.overlaps(next.row, next.length)) {
                return null;
            }
        }
        waiting.remove();
        lastAt.remove(next.row, next);
        sent.add(next);
        sentBytes += next.length;
        return next;
    }

    private void send(Entry entry) {
        Leg target = leg;
        target.submit(
                target.part(
                        later(entry.change), entry.row, entry.length, entry.source, owner.ids()),
                (_, outcome) -> answered(entry, outcome));
    }

    /// What the leg is told: it is made durable when it is to be in step, not with each change.
    private static IoRequest later(IoRequest change) {
        return switch (change) {
            case Write write ->
                    new Write(
                            write.tag(), write.offsetBytes(), write.source(), Durability.VOLATILE);
            case Zero zero ->
                    new Zero(
                            zero.tag(),
                            zero.offsetBytes(),
                            zero.lengthBytes(),
                            zero.mayUnmap(),
                            false,
                            Durability.VOLATILE);
            case IoRequest other -> throw new AssertionError(other + " changes nothing later");
        };
    }

    private void answered(Entry entry, Outcome outcome) {
        if (outcome instanceof Outcome.Failed(DeviceFault fault)) {
            owner.failed(this, fault); // first: until then the rows count as being changed
        }
        lock.lock();
        try {
            if (sent.remove(entry)) {
                sentBytes -= entry.length;
                end(entry);
            }
        } finally {
            lock.unlock();
        }
        entry.release();
        go();
    }

    /// The leg gets nothing any more from here. What it was sent keeps its memory until it is
    /// answered.
    ///
    /// @return what has to be run then, on a thread that holds no locks
    Runnable close() {
        List<Runnable> last;
        lock.lock();
        try {
            closed = true;
            List<Entry> all = new ArrayList<>(inside);
            all.removeAll(sent);
            all.forEach(Entry::release);
            for (Entry entry : List.copyOf(inside)) {
                end(entry);
            }
            for (Entry entry : knocking) {
                entry.release();
                calls.add(entry.admitted);
                calls.add(entry.ended);
            }
            knocking.clear();
            waiting.clear();
            lastAt.clear();
            sent.clear();
            last = calls;
            calls = new ArrayList<>();
        } finally {
            lock.unlock();
        }
        return () -> last.forEach(Runnable::run);
    }

    boolean isClosed() {
        return closed;
    }

    // --- being in step
    // ----------------------------------------------------------------------------

    /// Whether changes have begun that have not ended.
    boolean isUsed() {
        return open.get() > 0 || now.get() > 0;
    }

    /// How many changes have begun so far.
    long begunCount() {
        return begun.get();
    }

    /// Says that the leg is in step, if no change has begun since a count of them was taken. Under
    /// the lock of the states; to be asked again ([#hasBegunSince]) when the state of the leg says
    /// so.
    boolean step(long count) {
        return !closed && !isUsed() && !hasBegunSince(count) && open.compareAndSet(0, IN_STEP);
    }

    /// Whether a change has begun since a count was taken.
    boolean hasBegunSince(long count) {
        return begun.get() != count;
    }

    /// Somebody will look whether the leg can be in step.
    ///
    /// @return whether nobody did yet
    boolean watch() {
        return watched.compareAndSet(false, true);
    }

    void watched() {
        watched.set(false);
    }

    /// The leg is in step no more. Under the lock of the states.
    void fell() {
        joining = false;
        open.compareAndSet(IN_STEP, 0);
    }

    boolean isJoining() {
        return joining;
    }

    void setJoining(boolean isJoining) {
        joining = isJoining;
    }

    Lag lag() {
        lock.lock();
        try {
            long oldestMillis =
                    inside.isEmpty()
                            ? 0
                            : (owner.nanoTime() - oldest().sinceNanos) / NANOS_PER_MILLI;
            return new Lag(open.get() == IN_STEP, bytes, inside.size(), oldestMillis);
        } finally {
            lock.unlock();
        }
    }
}

package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.request.RequestIds;

/// Lets some legs of a mirror be behind the acknowledged changes, and brings them in step again
/// ([decision 021](../../../../../../../../docs/decisions/021-write-behind-legs.md)).
///
/// A leg that lacks acknowledged changes is BEHIND: not complete, so that nobody reads it and the
/// array never relies on it. It is that, durably, before the first such change is acknowledged, and
/// until it has all of them durably, and the whole bitmap. What it lacks lies in regions that are
/// marked in the bitmap of the complete legs.
final class WriteBehind {
    /// How often somebody who waits for a queue looks at it.
    static final long LOOK_NANOS = 10_000_000L;

    /// For how long nothing has to be changed before a leg is brought in step.
    static final long REST_NANOS = 2_000_000_000L;

    /// While a leg is away, others must not begin epochs too often: it could not be told any more
    /// what it lacks.
    static final long RARELY_NANOS = 600_000_000_000L;

    private static final int LOOKS = 100;

    /// A service has to stop within five seconds: some of them are left to write down what is so.
    private static final long CLOSE_NANOS = 3_000_000_000L;

    /// How long an administrator's deed waits for legs that are behind.
    private static final long PATIENCE_NANOS = 10_000_000_000L;

    /// One part of the pool at most is kept by what a leg has not got.
    private static final int POOL_SHARE = 8;

    private final RedundantArray array;
    private final BehindOptions options;

    /// How many deeds want legs to stay in step.
    private final AtomicInteger pins = new AtomicInteger();

    /// @param options which legs, and how far
    WriteBehind(RedundantArray array, BehindOptions options) {
        this.array = array;
        this.options = options;
    }

    /// A leg is made of some member from now on, or takes changes anew. Under the lock of the
    /// states, or before the array is used.
    void enroll(Leg leg) {
        boolean isBehind = options.names().contains(leg.name());
        leg.setQueue(isBehind ? new BehindQueue(this, leg, leg.state().isComplete()) : null);
        leg.setBehindSince(0);
    }

    long nanoTime() {
        return array.io().timers().nanoTime();
    }

    RequestIds ids() {
        return array.io().ids();
    }

    long mostNanos() {
        return options.nanos();
    }

    long mostBytes() {
        return Math.min(options.bytes(), array.io().pool().ceilingBytes() / POOL_SHARE);
    }

    /// Whether others could lack memory for what is kept: then changes are not acknowledged before
    /// the leg has them.
    boolean isMemoryShort(long keptBytes) {
        BufferPool pool = array.io().pool();
        long ceiling = pool.ceilingBytes();
        return keptBytes > ceiling / (2 * POOL_SHARE)
                && pool.outstandingBytes() > ceiling - ceiling / 4;
    }

    // --- falling behind
    // -----------------------------------------------------------------------------

    /// A change begins while a leg is in step: it is behind from now on, if it may be. That is not
    /// on disk yet when this returns; whoever acknowledges a change waits for it.
    ///
    /// @return false if the leg has to get the change with the others: no other is complete,
    ///     complete ones may differ, or another member follows it
    boolean fall(BehindQueue queue) {
        if (array.roles().isMeasured() || pins.get() > 0) {
            return false;
        }
        Legs legs = array.legs();
        return legs.look(
                () -> {
                    Leg leg = queue.leg();
                    if (leg.state() != LegState.IN_SYNC) {
                        return true; // somebody was faster
                    }
                    boolean mayFall =
                            legs.mayFallBehind(leg)
                                    && legs.reserve().replacementOf(leg) == null
                                    && array.roles().isComplete(leg);
                    if (mayFall) {
                        leg.setBehindSince(Long.MAX_VALUE); // first: it gets all bits until then
                        legs.changeIf(
                                () -> {
                                    leg.lag(LegState.BEHIND, Instant.now());
                                    leg.setFellNanos(nanoTime());
                                    return true;
                                });
                        leg.setBehindSince(legs.events());
                        queue.fell();
                    }
                    return mayFall;
                });
    }

    /// A leg did not take a change that was acknowledged.
    void failed(BehindQueue queue, DeviceFault fault) {
        array.legs().gaveUp(queue.leg(), queue, fault);
    }

    /// Under the lock of the states: nothing waits any more for legs that were dropped.
    void closeQueues(List<Leg> legs) {
        for (Leg leg : legs) {
            BehindQueue queue = leg.queue();
            if (queue != null && leg.state() == LegState.STALE && !queue.isClosed()) {
                Runnable rest = queue.close();
                array.blocking().threads().start("uvol-behind-" + array.volume(), rest);
            }
        }
    }

    // --- coming in step
    // -----------------------------------------------------------------------------

    /// A leg has got all changes: it is in step if none come for a while.
    void drained(BehindQueue queue) {
        if (queue.leg().state() == LegState.BEHIND && !array.isClosed() && queue.watch()) {
            long count = queue.begunCount();
            array.io().timers().after(REST_NANOS, () -> rested(queue, count));
        }
    }

    /// A leg has been given all that it lacked but for what its queue holds. Under the lock of the
    /// states.
    void filled(Leg leg) {
        if (!leg.queue().isUsed()) {
            drained(leg.queue());
        }
    }

    private void rested(BehindQueue queue, long count) {
        queue.watched();
        if (queue.isUsed()) {
            return; // it is drained once more
        }
        if (queue.hasBegunSince(count) || mustWait(queue.leg())) {
            drained(queue);
        } else if (queue.leg().state() == LegState.BEHIND && !array.isClosed()) {
            join(
                    queue,
                    isIn -> {
                        if (!isIn && !queue.isUsed()) {
                            drained(queue);
                        }
                    });
        }
    }

    /// Whether it fell behind so lately that it should not begin one more epoch soon.
    private boolean mustWait(Leg leg) {
        boolean isAnyAway =
                array.legs().all().stream().anyMatch(other -> other.state() == LegState.STALE);
        return isAnyAway && leg.fellNanos() != 0 && nanoTime() - leg.fellNanos() < RARELY_NANOS;
    }

    /// Makes a leg durable, gives it the bitmap, and has it count as complete, if no change comes
    /// meanwhile.
    ///
    /// @param done told whether it does
    private void join(BehindQueue queue, Consumer<Boolean> done) {
        long count = queue.begunCount();
        queue.setJoining(true);
        Leg leg = queue.leg();
        leg.submit(
                flushOf(leg),
                (_, outcome) -> {
                    if (outcome instanceof Outcome.Failed(DeviceFault fault)) {
                        failed(queue, fault);
                        done.accept(false);
                    } else if (array.bitmap() == null) {
                        done.accept(step(queue, count));
                    } else {
                        array.bitmap()
                                .save(fault -> done.accept(fault == null && step(queue, count)));
                    }
                });
    }

    private IoRequest.Flush flushOf(Leg leg) {
        return new IoRequest.Flush(
                new IoTag(ids().next(), 0, Operation.FLUSH, leg.locality(), 0, 0, 0, nanoTime()));
    }

    private boolean step(BehindQueue queue, long count) {
        Legs legs = array.legs();
        return legs.look(
                () -> {
                    Leg leg = queue.leg();
                    boolean isIn =
                            leg.queue() == queue
                                    && leg.state() == LegState.BEHIND
                                    && queue.isJoining()
                                    && queue.step(count);
                    if (isIn) {
                        leg.lag(LegState.IN_SYNC, Instant.now());
                        // A change that begins now sees either that it is in step, or that it is
                        // not.
                        isIn = !queue.hasBegunSince(count);
                        if (isIn) {
                            legs.caughtUp(leg);
                        } else {
                            leg.lag(LegState.BEHIND, Instant.now());
                            queue.fell();
                        }
                    }
                    queue.setJoining(isIn);
                    return isIn;
                });
    }

    /// The legs that are behind.
    private List<BehindQueue> behind() {
        List<BehindQueue> found = new ArrayList<>();
        for (Leg leg : array.legs().all()) {
            BehindQueue queue = leg.queue();
            if (queue != null && leg.state() == LegState.BEHIND && !queue.isClosed()) {
                found.add(queue);
            }
        }
        return found;
    }

    /// Brings the legs in step that have got everything. All rows are held. Blocks.
    void stepAll() throws IOException, InterruptedException {
        for (BehindQueue queue : behind()) {
            array.blocking().threads().await(done -> join(queue, _ -> done.run()));
        }
        array.legs().keeper().settle();
    }

    /// A deed of an administrator.
    interface Deed<T> {
        T run() throws IOException, InterruptedException;
    }

    /// Does something that asks for complete legs: those that are behind get everything first, and
    /// none falls behind meanwhile. If one cannot be waited for, it is done all the same, and may
    /// be refused. Blocks.
    <T> T inStep(Deed<T> deed) throws IOException, InterruptedException {
        pins.incrementAndGet();
        try {
            if (!behind().isEmpty()) {
                awaitStep();
            }
            return deed.run();
        } finally {
            pins.decrementAndGet();
        }
    }

    private void awaitStep() throws IOException, InterruptedException {
        BlockingLegs.Held all = new BlockingLegs.Held(0, array.level().rowBytes());
        if (!array.blocking().holdWithin(PATIENCE_NANOS, array.locks(), all)) {
            all.abandon();
            return;
        }
        try {
            stepAll();
        } finally {
            array.locks().release(all);
        }
    }

    /// How long closing the array waits for changes under way before it lets legs go that are
    /// behind.
    long closeNanos(long usualNanos) {
        boolean isAnyBehind = array.legs().all().stream().anyMatch(Leg::lags);
        return isAnyBehind ? Math.min(usualNanos, CLOSE_NANOS) : usualNanos;
    }

    /// Does not wait any more for the legs that have not got everything when the array is closed:
    /// they stay behind, and the next start gives them the rest. Blocks.
    ///
    /// @return whether all rows are held then
    boolean letGo(BlockingLegs.Held all) throws InterruptedException {
        for (Leg leg : array.legs().all()) {
            if (leg.lags() && !leg.queue().isClosed()) {
                leg.queue().close().run();
            }
        }
        for (int i = 0; i < LOOKS && !all.isGranted(); i++) {
            array.blocking().sleep(LOOK_NANOS);
        }
        return all.isGranted();
    }

    // --- what is shown
    // ------------------------------------------------------------------------------

    /// What has to be said when the array cannot do without a leg: which ones are behind; empty if
    /// none is.
    String reproach() {
        StringBuilder words = new StringBuilder();
        for (Leg leg : array.legs().all()) {
            if (leg.state() == LegState.BEHIND) {
                words.append(words.isEmpty() ? "" : "; ")
                        .append(leg.name())
                        .append(" is ")
                        .append(leg.queue().lag().words());
            }
        }
        return words.toString();
    }
}

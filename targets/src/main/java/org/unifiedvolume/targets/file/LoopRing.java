package org.unifiedvolume.targets.file;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.linux.EpollCalls;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.IoRing;
import org.unifiedvolume.loop.EventLoop;

/// The ring of one event loop: file I/O that waits with the kernel and not on a thread.
///
/// What is started in a turn of the loop is submitted at the turn's end with one call; what has
/// ended is taken in many at a time, on the loop. So a request that a client of this loop made is
/// answered without a hop to another thread.
///
/// ```
///  start ──► waiting, per device ──► slot ──► end of turn: enter ──► kernel
///                     ▲               │                                │
///                     └── slot free ◄─┴── answered ◄── eventfd ◄───────┘
/// ```
///
/// The number under way is bounded, for the ring and for each device, so that a disk that does not
/// answer leaves room for the others. Devices take turns at a full ring; the operations of one
/// device start in order.
///
/// Belongs to its loop's thread.
final class LoopRing implements EventLoop.Handler, EventLoop.Companion {
    /// How rings are made; tests replace it.
    @FunctionalInterface
    interface Opener {
        IoRing open(int entries, int maxWorkers) throws IOException;
    }

    private static final Logger LOG = LoggerFactory.getLogger(LoopRing.class);

    /// How much a ring takes on.
    ///
    /// @param entries how many operations may be under way
    /// @param maxPerDevice how many of one device
    /// @param closeNanos how long the end of the loop waits for them
    record Limits(int entries, int maxPerDevice, long closeNanos) {
        static final Limits DEFAULT = new Limits(512, 128, 5_000_000_000L);
    }

    /// How many kernel threads may wait, for one loop, for what the kernel cannot do without: as
    /// many as a device can have under way, and some for the others if that one does not answer.
    /// The kernel starts them when all it has are blocked.
    private static final int MAX_KERNEL_WORKERS = Limits.DEFAULT.maxPerDevice() + 32;

    private static final int ROUNDS_PER_TURN = 8;
    private static final long RETRY_NANOS = 1_000_000;

    /// Rings that ended with operations still in the kernel; kept, as is all they refer to.
    private static final Set<LoopRing> ABANDONED = ConcurrentHashMap.newKeySet();

    private final EventLoop loop;
    private final IoRing ring;
    private final Limits limits;
    private final RingSlot[] slots;
    private final int[] freeSlots;
    private int freeCount;
    private final ArrayDeque<RingShare> inTurn = new ArrayDeque<>();
    private final Runnable endOfTurn = this::endTurn;
    private EventLoop.Registration registration;
    private boolean submitPlanned;
    private boolean ending;
    private boolean ended;

    /// @param ring null if there is none to be had
    private LoopRing(EventLoop loop, IoRing ring, Limits limits) {
        this.loop = loop;
        this.ring = ring;
        this.limits = limits;
        int places = ring == null ? 0 : Math.min(limits.entries(), ring.entries());
        this.slots = new RingSlot[places];
        this.freeSlots = new int[places];
        for (int i = 0; i < places; i++) {
            slots[i] = new RingSlot(ring, i);
            freeSlots[i] = places - 1 - i;
        }
        this.freeCount = places;
        if (ring != null) {
            int mask = EpollCalls.EPOLLIN | EpollCalls.EPOLLET;
            registration = loop.register(ring.eventFd(), mask, this);
        }
    }

    /// The ring of the loop on whose thread the caller is; null if that is no loop's thread, or if
    /// rings are not to be had here.
    static LoopRing current() {
        EventLoop loop = EventLoop.current();
        if (loop == null) {
            return null;
        }
        LoopRing ring = loop.companion(LoopRing.class, LoopRing::open);
        return ring.isOpen() ? ring : null;
    }

    private static LoopRing open(EventLoop loop) {
        return open(loop, IoRing::open, Limits.DEFAULT);
    }

    /// A ring with other limits, or by another way of making one.
    ///
    /// @return if there is none to be had, one that is not open: the loop asks only once
    static LoopRing open(EventLoop loop, Opener opener, Limits limits) {
        try {
            return new LoopRing(loop, opener.open(limits.entries(), MAX_KERNEL_WORKERS), limits);
        } catch (IOException e) {
            LOG.debug("loop {}: slow file I/O goes to threads: {}", loop.index(), e.getMessage());
            return new LoopRing(loop, null, limits);
        }
    }

    boolean isOpen() {
        return ring != null && !ended;
    }

    /// How many operations are with the kernel, or will be at the end of this turn.
    int underWay() {
        return slots.length - freeCount;
    }

    /// Starts an operation, or lets it wait for a free slot.
    void start(RingOperation operation, RingShare share) {
        if (freeCount > 0 && share.underWay < limits.maxPerDevice() && share.waiting.isEmpty()) {
            begin(operation, share);
        } else {
            share.waiting.add(operation);
            queue(share);
        }
    }

    private void queue(RingShare share) {
        if (!share.inTurn && !share.waiting.isEmpty() && share.underWay < limits.maxPerDevice()) {
            share.inTurn = true;
            inTurn.add(share);
        }
    }

    private void begin(RingOperation operation, RingShare share) {
        RingSlot slot = slots[freeSlots[--freeCount]];
        slot.operation = operation;
        slot.share = share;
        share.underWay++;
        operation.add(slot, 0);
        planSubmit();
    }

    private void planSubmit() {
        if (submitPlanned) {
            return;
        }
        submitPlanned = true;
        if (ending) {
            loop.execute(endOfTurn); // in the next turn, so that sockets are not starved
        } else {
            loop.atEnd(endOfTurn);
        }
    }

    private void endTurn() {
        submitPlanned = false;
        if (ended) {
            return;
        }
        ending = true;
        try {
            enter();
            reap();
            if (!ended && ring.wantsEnter()) {
                planSubmit();
            }
        } finally {
            ending = false;
        }
    }

    private void enter() {
        int result = ring.enter();
        while (result > 0 && ring.notSubmitted() > 0) {
            result = ring.enter();
        }
        if (result < 0
                && result != -Errno.EAGAIN
                && result != -Errno.EBUSY
                && result != -Errno.EINTR) {
            LOG.error("loop {}: io_uring_enter answered {}", loop.index(), Errno.meaning(result));
            end("the ring of the loop failed");
        } else if (ring.notSubmitted() > 0) {
            // The kernel is short of memory for requests, or wants completions taken in first.
            loop.after(RETRY_NANOS, this::planSubmit);
        }
    }

    @Override
    public void ready(int mask) {
        reap();
        for (int i = 0; i < ROUNDS_PER_TURN && !ended && ring.wantsEnter(); i++) {
            enter();
            reap();
        }
        if (!ended && ring.wantsEnter()) {
            planSubmit(); // the eventfd tells of each event once
        }
    }

    private void reap() {
        while (!ended && ring.hasCompletion()) {
            RingSlot slot = slots[(int) ring.completedMark()];
            int result = ring.completedResult();
            ring.completionSeen();
            try {
                completed(slot, result);
            } catch (Throwable e) {
                broken(e);
            }
        }
    }

    private void completed(RingSlot slot, int result) {
        RingOperation operation = slot.operation;
        if (operation.takes(result)) {
            operation.add(slot, operation.howFlags());
            planSubmit();
            return;
        }
        RingShare share = slot.share;
        slot.operation = null;
        slot.share = null;
        freeSlots[freeCount++] = slot.index;
        share.underWay--;
        queue(share);
        beginWaiting();
        finish(operation);
    }

    private void beginWaiting() {
        while (freeCount > 0 && !inTurn.isEmpty()) {
            RingShare share = inTurn.poll();
            share.inTurn = false;
            if (!share.waiting.isEmpty() && share.underWay < limits.maxPerDevice()) {
                begin(share.waiting.poll(), share);
                queue(share);
            }
        }
    }

    private static void finish(RingOperation operation) {
        try {
            operation.finish();
        } catch (Throwable e) {
            LOG.error("taking the answer of a file failed", e);
        }
    }

    /// Our code is wrong: the ring is used no more, and what follows goes to threads.
    @Override
    public void broken(Throwable cause) {
        LOG.error("loop {}: its ring is given up", loop.index(), cause);
        end("an internal error: " + cause.getMessage());
    }

    /// For the loop's thread when it closes a device: serves the ring, a limited time, until
    /// nothing of that device is left.
    void settle(RingShare share, long nanos) {
        serveUntil(() -> share.underWay == 0 && share.waiting.isEmpty(), nanos);
    }

    /// The loop ends: waits, a limited time, for what is with the kernel.
    @Override
    public void close() {
        if (isOpen()) {
            serveUntil(() -> underWay() == 0, limits.closeNanos());
            end("the process is being stopped");
        }
    }

    private void serveUntil(BooleanSupplier condition, long nanos) {
        long start = System.nanoTime();
        long left = nanos;
        while (!ended && !condition.getAsBoolean() && left > 0) {
            ring.await(left);
            reap();
            left = nanos - (System.nanoTime() - start);
        }
    }

    /// Takes no more; what the kernel has not given back stays as it is.
    private void end(String reason) {
        if (ended) {
            return;
        }
        ended = true;
        registration.cancel();
        for (RingShare share : inTurn) {
            share.waiting.forEach(operation -> operation.refuse(reason));
            share.waiting.clear();
        }
        inTurn.clear();
        if (underWay() == 0) {
            ring.close();
            return;
        }
        ABANDONED.add(this);
        LOG.warn(
                "loop {}: {} file operations are still under way; their memory is kept",
                loop.index(),
                underWay());
        for (RingSlot slot : slots) {
            if (slot.operation != null) {
                slot.share.waiting.forEach(operation -> operation.refuse(reason));
                slot.share.waiting.clear();
                slot.operation.abandon(reason);
            }
        }
    }
}

package org.unifiedvolume.raid.redundant;

import java.time.Instant;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.request.DeviceFault;

/// Works through rows, window by window, on control threads: a rebuild, a resync, a scrub.
///
/// While a window is worked on its rows are held, so that changes of them wait. Several windows are
/// under way at once. A job gives way to clients: while they are busy it rests as long as it works.
/// While nobody asks for anything windows are longer, where each is one read and one write.
final class RowJob implements Job {
    /// What is done with each window.
    interface Work {
        /// Does one window. Its rows are held.
        ///
        /// @return how many bytes of its rows were found wrong
        long window(long row, long lengthBytes) throws DeviceFault, InterruptedException;

        /// Makes what was done so far durable; told every now and then, and before [#ended].
        default void flush() throws DeviceFault, InterruptedException {}

        /// Everything before this row is done, durably.
        default void checkpoint(long row) {}

        /// All is done, durably, unless it was cancelled.
        void ended();

        /// It cannot go on.
        void failed(DeviceFault fault);
    }

    private static final Logger LOG = LoggerFactory.getLogger(RowJob.class);
    private static final int WORKERS = 4;
    static final long WINDOW_BYTES = 256 << 10;
    private static final int CHECKPOINTS = 16;
    private static final long SECOND_NANOS = 1_000_000_000L;

    private final String name;
    private final RedundantArray array;
    private final RowSet rows;
    private final Work work;
    private final JobOptions options;
    private final Instant started = Instant.now();
    private final long startedNanos;
    private final long totalBytes;
    private final long[] underWay = new long[WORKERS];
    private final ReentrantLock lock = new ReentrantLock();
    private int workers;
    private long cursor;
    private long sinceCheckpoint;
    private boolean checkpointing;
    private volatile DeviceFault fault;
    private volatile boolean cancelled;
    private volatile boolean hasEnded;
    private volatile long endedNanos;
    private long doneBytes;
    private long wrongBytes;
    private volatile long checkpoint;

    /// @param name what it is: `rebuild of file:/srv/a.img`
    RowJob(String name, RedundantArray array, RowSet rows, JobOptions options, Work work) {
        this.name = name;
        this.array = array;
        this.rows = rows;
        this.work = work;
        this.options = options;
        this.startedNanos = array.io().timers().nanoTime();
        this.totalBytes = rows.totalBytes();
        this.checkpoint = rows.bitmap() == null ? 0 : rows.filledBytes();
        Arrays.fill(underWay, Long.MAX_VALUE);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public void cancel() {
        cancelled = true;
    }

    /// Whether the work so far does not count any more.
    boolean mustStop() {
        return cancelled;
    }

    /// Whether some window may be under way.
    boolean isAtWork() {
        lock.lock();
        try {
            return workers > 0;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean hasEnded() {
        return hasEnded;
    }

    @Override
    public String problem() {
        DeviceFault why = fault;
        if (why != null) {
            return why.getMessage();
        }
        return cancelled ? "stopped" : "";
    }

    /// Whether it will come to all rows from this one on, none of which it has begun with.
    boolean isAheadOf(long row) {
        lock.lock();
        try {
            return row >= cursor;
        } finally {
            lock.unlock();
        }
    }

    /// Up to which row everything is done and durable.
    long checkpoint() {
        return checkpoint;
    }

    @Override
    public JobProgress progress() {
        long until = hasEnded ? endedNanos : array.io().timers().nanoTime();
        long nanos = Math.max(1, until - startedNanos);
        lock.lock();
        try {
            return new JobProgress(name, started, totalBytes, doneBytes, wrongBytes, nanos);
        } finally {
            lock.unlock();
        }
    }

    void start() {
        LOG.info("volume {}: {} starts", array.volume(), name);
        workers = WORKERS;
        for (int i = 0; i < WORKERS; i++) {
            int worker = i;
            array.blocking()
                    .threads()
                    .start("uvol-job-" + array.volume() + "-" + i, () -> run(worker));
        }
    }

    private void run(int worker) {
        try {
            workThrough(worker);
        } catch (DeviceFault e) {
            fail(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            fail(new DeviceFault(DeviceFault.Kind.STOPPING, name + " was interrupted"));
        }
        boolean isLast;
        lock.lock();
        try {
            workers--; // a window that failed stays under way: no checkpoint goes beyond it
            isLast = workers == 0;
        } finally {
            lock.unlock();
        }
        if (isLast) {
            end();
        }
    }

    private void fail(DeviceFault why) {
        lock.lock();
        try {
            if (fault == null) {
                fault = why;
            }
        } finally {
            lock.unlock();
        }
    }

    private void end() {
        try {
            if (fault == null && !cancelled) {
                work.flush();
                work.ended();
                LOG.info("volume {}: {} has ended", array.volume(), name);
            }
        } catch (DeviceFault e) {
            fault = e;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            fault = new DeviceFault(DeviceFault.Kind.STOPPING, name + " was interrupted");
        } finally {
            endedNanos = array.io().timers().nanoTime();
            hasEnded = true;
        }
        if (fault != null && !cancelled) {
            LOG.warn("volume {}: {} stopped: {}", array.volume(), name, fault.getMessage());
            work.failed(fault);
        }
    }

    private void workThrough(int worker) throws DeviceFault, InterruptedException {
        long askedLast = array.askedCount();
        while (true) {
            long row;
            long length;
            long askedBefore = array.askedCount();
            long window = windowBytes(askedBefore == askedLast);
            askedLast = askedBefore;
            lock.lock();
            try {
                row = rows.next(cursor);
                if (cancelled || fault != null || row >= rows.endRow()) {
                    return;
                }
                length = Math.min(window, rows.limit(row) - row);
                cursor = row + length;
                underWay[worker] = row;
            } finally {
                lock.unlock();
            }
            long began = array.io().timers().nanoTime();
            doWindow(row, length);
            lock.lock();
            try {
                doneBytes += length;
                sinceCheckpoint += length;
                underWay[worker] = Long.MAX_VALUE;
            } finally {
                lock.unlock();
            }
            checkpointIfDue();
            rest(began, askedBefore);
        }
    }

    private long windowBytes(boolean isIdle) {
        boolean mayBeLonger = isIdle && array.level().isOnEveryLeg();
        long most = mayBeLonger ? options.idleWindowBytes() : WINDOW_BYTES;
        return Math.clamp(array.shape().maxTransferBytes(), WINDOW_BYTES, most);
    }

    private void doWindow(long row, long length) throws DeviceFault, InterruptedException {
        BlockingLegs.Held held = new BlockingLegs.Held(row, length);
        array.blocking().hold(array.locks(), held);
        try {
            if (!cancelled) {
                long wrong = work.window(row, length);
                if (wrong > 0) {
                    lock.lock();
                    try {
                        wrongBytes += wrong;
                    } finally {
                        lock.unlock();
                    }
                }
            }
        } finally {
            array.locks().release(held);
        }
    }

    private void checkpointIfDue() throws DeviceFault, InterruptedException {
        long reached;
        lock.lock();
        try {
            long due = Math.max(options.checkpointBytes(), totalBytes / CHECKPOINTS);
            if (checkpointing || sinceCheckpoint < due) {
                return;
            }
            checkpointing = true;
            sinceCheckpoint = 0;
            reached = cursor;
            for (long row : underWay) {
                reached = Math.min(reached, row);
            }
        } finally {
            lock.unlock();
        }
        work.flush();
        if (reached > checkpoint) {
            checkpoint = reached;
            work.checkpoint(reached);
        }
        lock.lock();
        try {
            checkpointing = false;
        } finally {
            lock.unlock();
        }
    }

    /// Rests while clients are busy, or to keep to the rate that the user set.
    private void rest(long began, long askedBefore) throws InterruptedException {
        long now = array.io().timers().nanoTime();
        long pause = array.askedCount() == askedBefore ? 0 : now - began;
        long rate = options.maxRateBytes();
        if (rate > 0) {
            long due = (long) ((double) progress().doneBytes() / rate * SECOND_NANOS);
            pause = Math.max(pause, due - (now - startedNanos));
        }
        if (pause > 0) {
            array.blocking().sleep(Math.min(pause, SECOND_NANOS));
        }
    }
}

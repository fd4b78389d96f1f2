package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.time.Instant;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.raid.bitmap.WriteIntentBitmap;
import org.unifiedvolume.request.DeviceFault;

/// Lays an array out over more legs, step by step, on a control thread.
///
/// Each step holds what it reads and writes, marks what it writes in the bitmap, moves, makes that
/// durable on all legs, and writes into the superblocks how far it is; only then are its rows let
/// go. So what superblocks say was never written over or changed elsewhere when a crash comes.
///
/// A step that fails before that is done again later. One that has begun to write over what it
/// reads, or to write down that it is done, is carried through: until then whatever touches its
/// rows fails.
final class ReshapeJob implements Job {
    private static final Logger LOG = LoggerFactory.getLogger(ReshapeJob.class);
    private static final long SECOND_NANOS = 1_000_000_000L;
    private static final long FIRST_PAUSE_NANOS = 50_000_000L;
    private static final int TRIES_AT_START = 5;
    private static final long LAST_PAUSE_NANOS = 5 * SECOND_NANOS;

    private final RedundantArray array;
    private final Superblocks superblocks;
    private final Mover mover;
    private final long maxRateBytes;
    private final Instant started = Instant.now();
    private final long startedNanos;
    private final long startedBytes;
    private BlockingLegs.Held held;
    private boolean isStuck;

    /// How often more what has to succeed is tried again.
    private int patience = Integer.MAX_VALUE;
    private long pauseNanos = FIRST_PAUSE_NANOS;
    private volatile String problem = "";
    private volatile boolean cancelled;
    private volatile boolean ended;
    private volatile long endedNanos;

    /// @param maxRateBytes how many bytes of the array a second at most; 0 for as many as go
    ReshapeJob(RedundantArray array, Superblocks superblocks, Mover mover, long maxRateBytes) {
        this.array = array;
        this.superblocks = superblocks;
        this.mover = mover;
        this.maxRateBytes = maxRateBytes;
        this.startedNanos = array.io().timers().nanoTime();
        this.startedBytes = mover.bytesBefore(mover.row());
    }

    @Override
    public String name() {
        return "reshape";
    }

    @Override
    public void cancel() {
        cancelled = true;
    }

    @Override
    public boolean hasEnded() {
        return ended;
    }

    @Override
    public String problem() {
        return problem;
    }

    /// What this process has to do of it.
    @Override
    public JobProgress progress() {
        long until = ended ? endedNanos : array.io().timers().nanoTime();
        return new JobProgress(
                name(),
                started,
                mover.bytesBefore(mover.endRow()) - startedBytes,
                mover.bytesBefore(mover.row()) - startedBytes,
                0,
                Math.max(1, until - startedNanos));
    }

    /// How far it is, for people: the percentage is that of the whole reshape.
    String words() {
        JobProgress progress = progress();
        JobProgress whole =
                new JobProgress(
                        name(),
                        started,
                        progress.totalBytes() + startedBytes,
                        progress.doneBytes() + startedBytes,
                        0,
                        progress.nanos());
        return whole.words(progress.rateBytes(), progress.remaining())
                + (problem.isEmpty() ? "" : "; waits: " + problem);
    }

    void start() {
        LOG.info(
                "volume {}: reshape to {} members: {} of {} bytes have moved",
                array.volume(),
                array.legs().all().size(),
                startedBytes,
                mover.bytesBefore(mover.endRow()));
        array.blocking().threads().start("uvol-reshape-" + array.volume(), this::run);
    }

    private void run() {
        try {
            while (!mustStop() && mover.row() < mover.endRow()) {
                stepOrPause();
            }
            if (!mustStop()) {
                finish();
            }
        } catch (DeviceFault fault) {
            problem = fault.getMessage();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            problem = "it was interrupted";
        } finally {
            endedNanos = array.io().timers().nanoTime();
            ended = true;
        }
    }

    private boolean mustStop() {
        return cancelled || array.isClosed();
    }

    private void stepOrPause() throws DeviceFault, InterruptedException {
        long began = array.io().timers().nanoTime();
        long askedBefore = array.askedCount();
        try {
            awaitAnswers();
            step();
            problem = "";
            pauseNanos = FIRST_PAUSE_NANOS;
        } catch (DeviceFault fault) {
            if (isStuck) {
                throw fault;
            }
            note(fault);
            pause();
            return;
        }
        rest(began, askedBefore);
    }

    private void note(DeviceFault fault) {
        if (!problem.equals(fault.getMessage())) {
            problem = fault.getMessage();
            LOG.warn("volume {}: the reshape cannot go on now: {}", array.volume(), problem);
        }
    }

    private void pause() throws InterruptedException {
        array.blocking().sleep(pauseNanos);
        pauseNanos = Math.min(LAST_PAUSE_NANOS, 2 * pauseNanos);
    }

    /// What a leg was sent and has not answered in time may still be done, over what comes next.
    private void awaitAnswers() throws DeviceFault, InterruptedException {
        for (Leg leg : array.roles().writable()) {
            while (leg.hesitation() != null && leg.state().takesChanges()) {
                if (mustStop()) {
                    throw new DeviceFault(DeviceFault.Kind.STOPPING, "the array is being closed");
                }
                array.blocking().sleep(FIRST_PAUSE_NANOS);
            }
        }
    }

    /// Does the rest of a stripe of which a crash has left a part; before the first request.
    void completeStripe() throws IOException, InterruptedException {
        patience = TRIES_AT_START;
        try {
            awaitAnswers();
            step();
            patience = Integer.MAX_VALUE;
        } catch (DeviceFault fault) {
            throw new IOException(
                    "volume %s: what a crash has left of its reshape cannot be completed: %s; make its members reachable and start again"
                            .formatted(array.volume(), fault.getMessage()),
                    fault);
        }
    }

    private void step() throws DeviceFault, InterruptedException {
        Mover.Step step = mover.next();
        long rows = step.endRow() - step.row();
        mover.begin(array, step);
        boolean isDone = false;
        try {
            held = new BlockingLegs.Held(step.row(), step.holdEndRow() - step.row());
            array.blocking().hold(array.locks(), held);
            if (mustStop()) {
                throw new DeviceFault(DeviceFault.Kind.STOPPING, "the array is being closed");
            }
            enterBitmap(step.row(), rows);
            try {
                mover.move(array, step, new Records());
                isDone = true;
            } finally {
                if (!isStuck && array.bitmap() != null) {
                    array.bitmap().leave(step.row(), rows);
                }
            }
        } finally {
            if (!isDone && !isStuck) {
                mover.giveUp(step);
            }
            if (!isStuck && held.isGranted()) {
                array.locks().release(held);
            }
        }
    }

    private void enterBitmap(long row, long rows) throws DeviceFault, InterruptedException {
        WriteIntentBitmap bitmap = array.bitmap();
        DeviceFault fault =
                bitmap == null
                        ? null
                        : array.blocking()
                                .ask(
                                        told -> {
                                            if (bitmap.enter(row, rows, told::accept)) {
                                                told.accept(null);
                                            }
                                        });
        if (fault != null) {
            throw fault;
        }
    }

    private final class Records implements Mover.Recorder {
        @Override
        public void record(long row, boolean mustSucceed) throws DeviceFault, InterruptedException {
            boolean isFlushed = false;
            while (!isFlushed) {
                try {
                    array.flushAll();
                    isFlushed = true;
                } catch (DeviceFault fault) {
                    if (!mustSucceed) {
                        throw fault;
                    }
                    trouble(fault);
                }
            }
            superblocks.reshaped(mover.bytesBefore(row));
            save();
            isStuck = false;
        }

        /// Requests fail while there is no telling where what they ask for is.
        @Override
        public void trouble(DeviceFault why) throws DeviceFault, InterruptedException {
            isStuck = true;
            if (patience-- == 0) {
                throw why;
            }
            note(why);
            DeviceFault forOthers =
                    new DeviceFault(
                            DeviceFault.Kind.IO,
                            "volume %s: a reshape waits here for its members: %s"
                                    .formatted(array.volume(), why.getMessage()));
            array.locks().refuse(held, forOthers);
            mover.refuse(forOthers);
            if (!mustStop()) {
                pause();
                awaitAnswers();
            }
            if (mustStop()) {
                array.legs().flushFailed();
                throw new DeviceFault(DeviceFault.Kind.STOPPING, "the array is being closed");
            }
        }

        private void save() throws DeviceFault, InterruptedException {
            while (true) {
                try {
                    array.legs().save();
                    return;
                } catch (IOException e) {
                    trouble(new DeviceFault(DeviceFault.Kind.IO, e.getMessage()));
                }
            }
        }
    }

    /// All has its new shape: the array is as large as that.
    private void finish() throws DeviceFault, InterruptedException {
        superblocks.hasShape(mover.bytesBefore(mover.endRow()));
        boolean isSaved = false;
        while (!isSaved) {
            try {
                array.legs().save();
                isSaved = true;
            } catch (IOException e) {
                note(new DeviceFault(DeviceFault.Kind.IO, e.getMessage()));
                pause();
                if (mustStop()) {
                    return;
                }
            }
        }
        mover.end();
        array.grown();
        LOG.info("volume {}: the reshape has ended", array.volume());
    }

    /// Rests while clients are busy, or to keep to the rate that the user set.
    private void rest(long began, long askedBefore) throws InterruptedException {
        long now = array.io().timers().nanoTime();
        long nanos = array.askedCount() == askedBefore ? 0 : now - began;
        if (maxRateBytes > 0) {
            double seconds = (double) progress().doneBytes() / maxRateBytes;
            nanos = Math.max(nanos, (long) (seconds * SECOND_NANOS) - (now - startedNanos));
        }
        while (nanos > 0 && !mustStop()) {
            array.blocking().sleep(Math.min(nanos, SECOND_NANOS));
            nanos -= SECOND_NANOS;
        }
    }
}

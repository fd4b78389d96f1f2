package org.unifiedvolume.raid.spread;

import java.io.IOException;
import java.time.Instant;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.raid.redundant.BlockingLegs;
import org.unifiedvolume.raid.redundant.JobOptions;
import org.unifiedvolume.raid.redundant.JobProgress;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.raid.superblock.Reshape;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;

/// Lays a RAID 0 out over more members, window by window from its start on, while it is used.
///
/// A window's bytes are copied from their old place to the new one, made durable, and then written
/// down as moved; until then they count where they were. A new place is somebody's old one, so a
/// window ends where it would overwrite what is not written down as moved. Each chunk moves to an
/// earlier row, or stays, so there is always room for one, and the further it gets the more there
/// is: nothing has to be saved elsewhere.
///
/// ```
///   2 members to 3      row 0   0 1 │ 2        a window from chunk 3 on overwrites
///                       row 1   2 3 │          the old places of 2 and 3: 3 must
///                       row 2   4 5 │          have moved before 4 can
/// ```
///
/// Control path.
final class ReshapeJob {
    private static final Logger LOG = LoggerFactory.getLogger(ReshapeJob.class);
    private static final long SECOND_NANOS = 1_000_000_000L;
    private static final long PIECE_BYTES = 1 << 20;
    private static final long MOST_WINDOW_BYTES = 8 << 20;

    /// What becomes of the array.
    interface Owner {
        String volume();

        /// All is moved and durable: the array has its new shape. Tried again if it fails.
        void reshaped() throws IOException;
    }

    private final Owner owner;
    private final ReshapingStripe stripe;
    private final SpreadRecord record;
    private final BlockingLegs blocking;
    private final JobOptions options;
    private final int membersBefore;
    private final int membersAfter;
    private final long chunkBytes;
    private final long sizeBytes;
    private final long startPosition;
    private final Instant started = Instant.now();
    private final long startedNanos;
    private volatile boolean cancelled;
    private volatile boolean hasEnded;
    private volatile String problem = "";

    /// @param record says how far it is
    ReshapeJob(
            Owner owner,
            ReshapingStripe stripe,
            SpreadRecord record,
            BlockingLegs blocking,
            JobOptions options) {
        ArrayDescription array = record.array();
        this.owner = owner;
        this.stripe = stripe;
        this.record = record;
        this.blocking = blocking;
        this.options = options;
        this.membersBefore = array.reshape().rolesBefore();
        this.membersAfter = array.roles();
        this.chunkBytes = array.chunkBytes();
        this.sizeBytes = array.sizeBytes();
        this.startPosition = array.reshape().positionBytes();
        this.startedNanos = blocking.io().timers().nanoTime();
    }

    /// It is not to go on. Takes effect before the next window.
    void cancel() {
        cancelled = true;
    }

    boolean hasEnded() {
        return hasEnded;
    }

    /// Why it does not get on; empty if it does.
    String problem() {
        return problem;
    }

    JobProgress progress() {
        long nanos = Math.max(1, blocking.io().timers().nanoTime() - startedNanos);
        return new JobProgress(
                "reshape from %d to %d members".formatted(membersBefore, membersAfter),
                started,
                sizeBytes - startPosition,
                stripe.gate().position() - startPosition,
                0,
                nanos);
    }

    /// Starts to work on a thread of its own.
    ///
    /// @param former the way of the old shape, whose requests have to end first; null for none
    void start(Way former) {
        LOG.info("volume {}: {} starts", owner.volume(), progress().name());
        blocking.threads().start("uvol-job-" + owner.volume() + "-reshape", () -> run(former));
    }

    private void run(Way former) {
        try {
            if (former != null) {
                blocking.threads().await(former::whenEmpty);
            }
            while (!cancelled && stripe.gate().position() < sizeBytes) {
                long began = blocking.io().timers().nanoTime();
                long passed = stripe.gate().passedCount();
                if (moveWindow()) {
                    problem = "";
                    rest(began, passed);
                } else {
                    blocking.sleep(SECOND_NANOS);
                }
            }
            while (!cancelled && !end()) {
                blocking.sleep(SECOND_NANOS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            problem = "interrupted";
        } finally {
            hasEnded = true;
        }
    }

    private boolean end() {
        try {
            owner.reshaped();
            LOG.info("volume {}: {} has ended", owner.volume(), progress().name());
            return true;
        } catch (IOException e) {
            stuck(e.getMessage());
            return false;
        }
    }

    /// Why it does not get on now, for people; it will be tried again.
    private void stuck(String why) {
        if (problem.isEmpty()) {
            LOG.warn("volume {}: the reshape waits: {}", owner.volume(), why);
        }
        problem = why;
    }

    /// Moves the next window.
    ///
    /// @return whether it is moved
    private boolean moveWindow() throws InterruptedException {
        long from = stripe.gate().position();
        long to = windowEnd(from);
        if (!isQuiet()) {
            return false;
        }
        blocking.threads().await(done -> stripe.gate().close(to, done));
        boolean isCopied = false;
        try {
            // Whoever timed out before the window was closed may still write to places in it.
            if (isQuiet()) {
                copy(from, to);
                blocking.flush(stripe.after());
                isCopied = true;
            }
        } catch (DeviceFault fault) {
            stuck(fault.getMessage());
        } finally {
            if (!isCopied) {
                stripe.gate().open(from);
            }
        }
        return isCopied && writeDown(to);
    }

    /// Whether nothing that a member was told may still happen to it behind our back: it could
    /// overwrite what is put in its place.
    private boolean isQuiet() {
        for (SpreadMember member : record.members()) {
            int overdue = member.device().overdueCount();
            if (overdue > 0) {
                stuck(
                        "%s: %d changes that it has not answered in time may still happen"
                                .formatted(member.name(), overdue));
                return false;
            }
        }
        return true;
    }

    /// Says on all members that the window is moved. Until that is certain nobody knows which place
    /// the next start will take, so its bytes can be neither read nor changed.
    ///
    /// @return whether they say so
    private boolean writeDown(long to) throws InterruptedException {
        while (true) {
            ArrayDescription array = record.array();
            Reshape moved = array.reshape().at(to);
            try {
                record.save(array.withReshape(moved), record.members(), false);
                stripe.gate().open(to);
                return true;
            } catch (IOException e) {
                stuck(e.getMessage());
                stripe.gate().refuse(new DeviceFault(DeviceFault.Kind.IO, e.getMessage()));
            }
            if (cancelled) {
                return false;
            }
            blocking.sleep(SECOND_NANOS);
        }
    }

    /// Where the window that begins at a position has to end.
    private long windowEnd(long from) {
        return Math.min(
                sizeBytes,
                windowEnd(
                                from / chunkBytes,
                                membersBefore,
                                membersAfter,
                                Math.max(1, MOST_WINDOW_BYTES / chunkBytes))
                        * chunkBytes);
    }

    /// The first chunk that must not be moved together with one, since its new place is the old one
    /// of a chunk that is not moved before.
    static long windowEnd(long chunk, int before, int after, long most) {
        long end = chunk;
        while (end - chunk < most) {
            long row = end / after;
            long column = end % after;
            boolean isOldPlace = row > 0 && column < before;
            if (isOldPlace && row * before + column >= chunk) {
                break;
            }
            end++;
        }
        return end;
    }

    private void copy(long from, long to) throws DeviceFault, InterruptedException {
        long at = from;
        while (at < to) {
            long length = Math.min(to - at, PIECE_BYTES);
            long zeroes = 0;
            if (stripe.before().shape().can(Ability.LOCATE)) {
                zeroes = blocking.zeroRun(stripe.before(), at, to - at);
            }
            if (zeroes > 0) {
                blocking.zeroMember(stripe.after(), at, zeroes);
                at += zeroes;
                continue;
            }
            Buffers bytes = blocking.readMember(stripe.before(), at, length);
            try {
                blocking.writeMember(stripe.after(), at, bytes, Durability.VOLATILE);
            } finally {
                bytes.release();
            }
            at += length;
        }
    }

    /// Rests while clients are busy, or to keep to the rate that the user set.
    private void rest(long began, long passedBefore) throws InterruptedException {
        long now = blocking.io().timers().nanoTime();
        long pause = stripe.gate().passedCount() == passedBefore ? 0 : now - began;
        long rate = options.maxRateBytes();
        if (rate > 0) {
            long due = (long) ((double) progress().doneBytes() / rate * SECOND_NANOS);
            pause = Math.max(pause, due - (now - startedNanos));
        }
        for (; pause > 0 && !cancelled; pause -= SECOND_NANOS) {
            blocking.sleep(Math.min(pause, SECOND_NANOS));
        }
    }
}

package org.unifiedvolume.raid.mirror;

import java.lang.foreign.MemorySegment;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.buffer.Slice;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.request.DeviceFault;

/// Gives one leg the bytes of the good ones, from the first to the last, window by window.
///
/// While a window is copied its range is held, so that changes of it wait; the others go to the leg
/// as to all. Straight-line code on a control thread.
final class Resync implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(Resync.class);
    private static final long WINDOW_BYTES = 512 << 10;
    private static final int MAX_MEMORY_WAITS = 100;
    private static final long MEMORY_WAIT_NANOS = 100_000_000L;

    private final String volume;
    private final Leg target;
    private final Legs legs;
    private final RangeLocks locks;
    private final BlockingLegs blocking;
    private final long sizeBytes;
    private final boolean compares;
    private volatile boolean cancelled;
    private volatile boolean startsOver;
    private volatile boolean ended;
    private volatile long doneBytes;

    /// @param compares whether to write only where the leg differs
    Resync(
            String volume,
            Leg target,
            Legs legs,
            RangeLocks locks,
            BlockingLegs blocking,
            long sizeBytes,
            boolean compares) {
        this.volume = volume;
        this.target = target;
        this.legs = legs;
        this.locks = locks;
        this.blocking = blocking;
        this.sizeBytes = sizeBytes;
        this.compares = compares;
    }

    /// The leg is not to be brought in sync any more. Takes effect before the next window.
    void cancel() {
        cancelled = true;
    }

    /// What was copied so far came from a leg that is not the measure any more.
    void startOver() {
        startsOver = true;
    }

    /// Whether the work so far is void.
    boolean mustStop() {
        return cancelled || startsOver;
    }

    boolean hasEnded() {
        return ended;
    }

    /// How far it is, in words.
    String progress() {
        return "%.1f %%".formatted(sizeBytes == 0 ? 100.0 : 100.0 * doneBytes / sizeBytes);
    }

    void start() {
        blocking.threads().start("uvol-resync-" + volume, this);
    }

    @Override
    public void run() {
        LOG.info("volume {}: resync of {} starts", volume, target.name());
        try {
            do {
                startsOver = false;
                copyAll();
            } while (startsOver && !cancelled);
        } catch (DeviceFault fault) {
            // When the volume is closed the next start goes on with it.
            if (fault.kind() != DeviceFault.Kind.STOPPING) {
                legs.resyncFailed(target, this, "its resync stopped: " + fault.getMessage());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            legs.resyncFailed(target, this, "its resync was interrupted");
        } finally {
            ended = true;
        }
    }

    private void copyAll() throws DeviceFault, InterruptedException {
        long length;
        for (long at = 0; at < sizeBytes; at += length) {
            doneBytes = at;
            length = Math.min(WINDOW_BYTES, sizeBytes - at);
            BlockingLegs.Held held = new BlockingLegs.Held(at, length);
            blocking.hold(locks, held);
            try {
                if (mustStop()) {
                    return;
                }
                copyWindow(at, length);
            } finally {
                locks.release(held);
            }
        }
        // What the record says is in sync has to be so after a power cut too.
        blocking.flush(target);
        legs.inSync(target, this);
    }

    private void copyWindow(long offset, long length) throws DeviceFault, InterruptedException {
        Buffers bytes = fetch(offset, length);
        if (bytes == null) {
            if (!isZero(target, offset, length)) {
                blocking.zero(target, offset, length);
            }
            return;
        }
        try {
            if (!compares || !targetHas(bytes, offset, length)) {
                blocking.write(target, offset, bytes);
            }
        } finally {
            bytes.release();
        }
    }

    /// The bytes of a window from the first good leg that has them; null if they are zeroes.
    private Buffers fetch(long offset, long length) throws DeviceFault, InterruptedException {
        long tried = 1L << target.index();
        DeviceFault last =
                new DeviceFault(
                        DeviceFault.Kind.IO, "no good leg to copy from at offset " + offset);
        for (Leg source = source(tried); source != null; source = source(tried)) {
            tried |= 1L << source.index();
            try {
                return isZero(source, offset, length)
                        ? null
                        : readPatiently(source, offset, length);
            } catch (DeviceFault fault) {
                last = fault;
                legs.readFailed(source, fault);
            }
        }
        throw last;
    }

    private Leg source(long tried) {
        Leg next = legs.roles().next(tried);
        return next != null && next.state() == LegState.IN_SYNC ? next : null;
    }

    private boolean isZero(Leg leg, long offset, long length)
            throws DeviceFault, InterruptedException {
        return leg.device().shape().can(Ability.LOCATE)
                && blocking.zeroRun(leg, offset, length) == length;
    }

    /// Clients come first when memory is short.
    private Buffers readPatiently(Leg leg, long offset, long length)
            throws DeviceFault, InterruptedException {
        for (int waits = 0; ; waits++) {
            try {
                return blocking.read(leg, offset, length);
            } catch (DeviceFault fault) {
                if (fault.kind() != DeviceFault.Kind.NO_MEMORY || waits == MAX_MEMORY_WAITS) {
                    throw fault;
                }
                blocking.sleep(MEMORY_WAIT_NANOS);
            }
        }
    }

    private boolean targetHas(Buffers bytes, long offset, long length)
            throws DeviceFault, InterruptedException {
        Buffers found = readPatiently(target, offset, length);
        try {
            return sameBytes(bytes, found);
        } finally {
            found.release();
        }
    }

    /// Whether two payloads of one length hold the same bytes.
    static boolean sameBytes(Buffers one, Buffers other) {
        long at = 0;
        int i = 0;
        int j = 0;
        long inOne = 0;
        long inOther = 0;
        while (at < one.length()) {
            Slice a = one.slice(i);
            Slice b = other.slice(j);
            long count = Math.min(a.length() - inOne, b.length() - inOther);
            if (MemorySegment.mismatch(
                            a.block().memory(),
                            a.offset() + inOne,
                            a.offset() + inOne + count,
                            b.block().memory(),
                            b.offset() + inOther,
                            b.offset() + inOther + count)
                    >= 0) {
                return false;
            }
            at += count;
            inOne += count;
            inOther += count;
            if (inOne == a.length()) {
                i++;
                inOne = 0;
            }
            if (inOther == b.length()) {
                j++;
                inOther = 0;
            }
        }
        return true;
    }
}

package org.unifiedvolume.raid.stripe;

import java.util.concurrent.atomic.AtomicInteger;

/// Which bytes of an array have which shape, at one moment, and how many reads rely on that.
///
/// Whoever changes the picture shows the next one first, and retires this one later: when the last
/// read that relies on it has ended, nobody looks at the old places any more.
final class StripePicture {
    private final ParityLevel before;
    private final ParityLevel after;
    private final long row;
    private final long movedBytes;
    private final long movingEndBytes;

    /// One for this picture itself until it is retired, and one for each read.
    private final AtomicInteger readers = new AtomicInteger(1);

    private volatile Runnable drained;

    /// @param before null if all bytes have the shape of `after`
    /// @param row all rows before this one, whole stripes, have the shape of `after`
    /// @param movingEndBytes what lies behind those rows, up to this byte of the array, is being
    ///     moved; 0 if nothing is
    StripePicture(ParityLevel before, ParityLevel after, long row, long movingEndBytes) {
        this.before = before;
        this.after = after;
        this.row = row;
        this.movedBytes =
                before == null
                        ? Long.MAX_VALUE
                        : after.geometry().startOf(after.geometry().stripeOfMember(row));
        this.movingEndBytes = movingEndBytes;
    }

    static StripePicture steady(ParityLevel level) {
        return new StripePicture(null, level, 0, 0);
    }

    /// Null if all bytes have the shape of [#after].
    ParityLevel before() {
        return before;
    }

    ParityLevel after() {
        return after;
    }

    long row() {
        return row;
    }

    /// All bytes of the array before this one have the shape of [#after], all others that of
    /// [#before].
    long movedBytes() {
        return movedBytes;
    }

    /// Whether the array's bytes from an offset on have their new shape.
    boolean hasMoved(long offsetBytes) {
        return offsetBytes < movedBytes;
    }

    /// The shape of the bytes at an offset.
    ParityLevel at(long offsetBytes) {
        return hasMoved(offsetBytes) ? after : before;
    }

    /// Whether some of a range is being moved.
    boolean isMoving(long offsetBytes, long lengthBytes) {
        return offsetBytes < movingEndBytes && offsetBytes + lengthBytes > movedBytes;
    }

    /// Whether a range has bytes of both shapes.
    boolean isAcross(long offsetBytes, long lengthBytes) {
        return hasMoved(offsetBytes) && !hasMoved(offsetBytes + Math.max(1, lengthBytes) - 1);
    }

    /// A read begins to rely on it.
    ///
    /// @return false if it must not: there is a newer one
    boolean enter() {
        int count;
        do {
            count = readers.get();
            if (count == 0) {
                return false;
            }
        } while (!readers.compareAndSet(count, count + 1));
        return true;
    }

    /// A read has ended.
    void leave() {
        if (readers.decrementAndGet() == 0) {
            drained.run();
        }
    }

    /// A newer one is shown already.
    ///
    /// @param whenDrained run when no read relies on this one any more
    void retire(Runnable whenDrained) {
        drained = whenDrained;
        leave();
    }
}

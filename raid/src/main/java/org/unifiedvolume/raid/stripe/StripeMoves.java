package org.unifiedvolume.raid.stripe;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.geometry.ParityGeometry;
import org.unifiedvolume.raid.redundant.BlockingLegs;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.raid.redundant.Mover;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// One step of a reshape: reads data from where the old shape has them, and writes them, with new
/// parity, to where the new one has them. The rows are held. On control threads.
final class StripeMoves {
    private static final long MOST_SLICE_ROWS = 128 << 10;
    private static final int WORKERS = 4;

    /// What stands for the chunks behind the last byte of the array.
    private static final Buffers ZEROES =
            Buffers.outsidePool(Arena.global().allocate(MOST_SLICE_ROWS, 4096));

    private final ParityLevel before;
    private final ParityLevel after;
    private final Group group;
    private final Mover.Recorder recorder;

    StripeMoves(ParityLevel before, ParityLevel after, Group group, Mover.Recorder recorder) {
        this.before = before;
        this.after = after;
        this.group = group;
        this.recorder = recorder;
    }

    /// How many rows of a stripe move at once, at most: as many as fit into an entry of the
    /// journal.
    static long sliceRows(ParityLevel level) {
        return Math.min(MOST_SLICE_ROWS, level.mostRows());
    }

    /// All data of some rows of a stripe of the new shape.
    static final class Slice {
        private final Band band;
        private final Buffers[] data;

        /// What the journal has of it.
        private final List<StripePart> kept = new ArrayList<>();

        private Slice(Band band) {
            this.band = band;
            this.data = new Buffers[band.count()];
        }

        boolean isZero() {
            for (Buffers bytes : data) {
                if (!BlockingLegs.isZero(bytes)) {
                    return false;
                }
            }
            return true;
        }

        /// Gives its memory back, and has the journal forget it.
        void release() {
            kept.forEach(StripePart::letGo);
            for (Buffers bytes : data) {
                if (bytes != null) {
                    bytes.release();
                }
            }
        }
    }

    /// Reads some rows of a stripe of the new shape from where the old one has them.
    Slice read(long stripe, long row, long length) throws DeviceFault, InterruptedException {
        ParityGeometry wide = after.geometry();
        Band band = new Band(stripe, row, length, 0, wide.dataCount());
        Slice slice = new Slice(band);
        boolean isWhole = false;
        try {
            for (int data = 0; data < wide.dataCount(); ) {
                data += readFrom(slice, data);
            }
            isWhole = true;
            return slice;
        } finally {
            if (!isWhole) {
                slice.release();
            }
        }
    }

    /// Reads the chunks of a slice, from one on, that are in the same stripe of the old shape.
    ///
    /// @return how many those are
    private int readFrom(Slice slice, int data) throws DeviceFault, InterruptedException {
        ParityGeometry old = before.geometry();
        ParityGeometry wide = after.geometry();
        Band band = slice.band;
        long offset = wide.startOf(band.stripe()) + data * wide.chunkBytes();
        if (offset >= old.sizeBytes()) {
            Buffers zeroes = ZEROES.part(0, band.lengthBytes());
            zeroes.retain();
            slice.data[data] = zeroes;
            return 1;
        }
        long stripe = old.stripeAt(offset);
        int first = old.dataIndexAt(offset);
        int count = Math.min(wide.dataCount() - data, old.dataCount() - first);
        long inner = band.row() - wide.startOnMembers(band.stripe());
        StripeRows rows =
                before.jobs()
                        .readSome(
                                group,
                                stripe,
                                old.startOnMembers(stripe) + inner,
                                band.lengthBytes(),
                                ((1L << count) - 1) << first);
        for (int i = 0; i < count; i++) {
            slice.data[data + i] = rows.take(first + i);
        }
        rows.release();
        return count;
    }

    /// Moves whole stripes to where nothing is needed any more.
    void copy(long row, long endRow) throws DeviceFault, InterruptedException {
        long chunk = after.geometry().chunkBytes();
        AtomicLong next = new AtomicLong(after.geometry().stripeOfMember(row));
        long end = after.geometry().stripeOfMember(endRow);
        inParallel(
                (int) Math.min(WORKERS, end - next.get()),
                () -> {
                    long stripe = next.getAndIncrement();
                    if (stripe >= end) {
                        return false;
                    }
                    long start = Math.max(row, after.geometry().startOnMembers(stripe));
                    long stop = after.geometry().startOnMembers(stripe) + chunk;
                    long most = sliceRows(after);
                    for (long at = start; at < stop; at += most) {
                        copySlice(stripe, at, Math.min(most, stop - at));
                    }
                    return true;
                });
    }

    private void copySlice(long stripe, long row, long length)
            throws DeviceFault, InterruptedException {
        Slice slice = read(stripe, row, length);
        try {
            DeviceFault fault = write(slice, null);
            if (fault != null) {
                throw fault;
            }
        } finally {
            slice.release();
        }
    }

    private interface Work {
        /// Does a part.
        ///
        /// @return whether there may be another one
        boolean next() throws DeviceFault, InterruptedException;
    }

    /// Works on so many threads, and waits until all of them have ended.
    private void inParallel(int threads, Work work) throws DeviceFault, InterruptedException {
        AtomicReference<DeviceFault> fault = new AtomicReference<>();
        AtomicLong left = new AtomicLong(threads);
        group.blocking()
                .threads()
                .await(
                        done -> {
                            for (int i = 0; i < threads; i++) {
                                group.blocking()
                                        .threads()
                                        .start(
                                                "uvol-reshape-" + group.volume() + "-" + i,
                                                () -> {
                                                    workOn(work, fault);
                                                    if (left.decrementAndGet() == 0) {
                                                        done.run();
                                                    }
                                                });
                            }
                        });
        if (fault.get() != null) {
            throw fault.get();
        }
    }

    private static void workOn(Work work, AtomicReference<DeviceFault> fault) {
        try {
            boolean isMore = true;
            while (isMore && fault.get() == null) {
                isMore = work.next();
            }
        } catch (DeviceFault e) {
            fault.compareAndSet(null, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            fault.compareAndSet(
                    null, new DeviceFault(DeviceFault.Kind.STOPPING, "a reshape was interrupted"));
        }
    }

    /// Moves a slice over what may still be needed: once it has begun there is no way back.
    void writeJournalled(Slice slice) throws DeviceFault, InterruptedException {
        for (DeviceFault fault = write(slice, slice.kept);
                fault != null;
                fault = write(slice, slice.kept)) {
            recorder.trouble(fault);
        }
    }

    /// @param kept null if the journal need not have it
    /// @return why not all legs have it that the array cannot do without; null if they have
    private DeviceFault write(Slice slice, List<StripePart> kept) throws InterruptedException {
        Band band = slice.band;
        long offset = after.geometry().startOf(band.stripe());
        long length = after.geometry().stripeBytes();
        boolean isZero = slice.isZero();
        IoTag tag =
                new IoTag(
                        group.io().ids().next(),
                        0,
                        isZero ? Operation.ZERO : Operation.WRITE,
                        Locality.MIXED,
                        offset,
                        length,
                        0,
                        group.io().timers().nanoTime());
        IoRequest what =
                isZero
                        ? new IoRequest.Zero(tag, offset, length, true, false, Durability.VOLATILE)
                        : new IoRequest.Write(tag, offset, Buffers.empty(), Durability.VOLATILE);
        return group.blocking()
                .ask(
                        told ->
                                new RowsMove(
                                                after,
                                                group,
                                                what,
                                                band,
                                                slice.data,
                                                kept,
                                                (_, outcome) -> told.accept(faultOf(outcome)))
                                        .start());
    }

    private static DeviceFault faultOf(Outcome outcome) {
        return outcome instanceof Outcome.Failed(DeviceFault fault) ? fault : null;
    }

    /// Makes rows that nobody needs zeroes.
    void zero(long row, long endRow) throws DeviceFault, InterruptedException {
        forget(row, endRow);
        DeviceFault[] faults = new DeviceFault[group.roles().count()];
        boolean isAny = false;
        for (Leg leg : group.roles().writable()) {
            try {
                group.blocking().zero(leg, row, endRow - row);
            } catch (DeviceFault fault) {
                faults[leg.role()] = fault;
                isAny = true;
            }
        }
        DeviceFault why = isAny ? group.settle(faults) : null;
        if (why != null) {
            throw why;
        }
    }

    /// What the journal has of some rows counts no more.
    private void forget(long row, long endRow) throws DeviceFault, InterruptedException {
        DeviceFault fault =
                group.blocking()
                        .ask(
                                told -> {
                                    JournalChange none =
                                            new JournalChange(row, endRow, 0) {
                                                @Override
                                                void entered(DeviceFault why) {
                                                    told.accept(why);
                                                }
                                            };
                                    if (after.journal().enter(none)) {
                                        told.accept(null);
                                    }
                                });
        if (fault != null) {
            throw fault;
        }
    }
}

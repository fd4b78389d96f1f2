package org.unifiedvolume.raid.stripe;

import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.raid.geometry.ParityGeometry;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Mover;
import org.unifiedvolume.request.DeviceFault;

/// Lays RAID 5 or 6 out over more legs, whole stripes of the new shape at a time.
///
/// A stripe of the new shape holds more than one of the old shape, so what is written falls behind
/// what is read: rows that are written over have mostly been read long before, and that is written
/// down. Only in the first stripes what is written lies over what is read; there the journal has it
/// first ([RowsMove]).
///
/// ```
///          written      needed by nobody         to be read
///  rows  0 ────────┬───────────────────────┬──────────────────────
///          new     │ row            live   │  old shape
///          shape   └─► here the next stripes go
/// ```
///
/// Behind the last byte of the array as it was all becomes zeroes, so that parity fits there, too.
final class StripeMover implements Mover {
    /// How much of the array moves at once, at most, but one stripe at least: changes of it wait
    /// meanwhile.
    private static final long STEP_BYTES = 4 << 20;

    /// How many rows become zeroes at once behind the last byte.
    private static final long ZERO_ROWS = 64 << 20;

    private final ReshapableParity level;
    private final ParityLevel before;
    private final ParityLevel after;
    private volatile long row;
    private boolean isQuiet;

    /// The pictures that reads may still rely on, though newer ones are shown.
    private final List<StripePicture> earlier = new ArrayList<>();

    /// @param row how many rows have the shape of `after`; not whole stripes only right after a
    ///     crash
    StripeMover(ReshapableParity level, ParityLevel before, ParityLevel after, long row) {
        this.level = level;
        this.before = before;
        this.after = after;
        this.row = row;
    }

    private ParityGeometry old() {
        return before.geometry();
    }

    private ParityGeometry wide() {
        return after.geometry();
    }

    @Override
    public long row() {
        return row;
    }

    @Override
    public boolean isBetweenStripes() {
        return row == wide().startOnMembers(stripe());
    }

    @Override
    public long endRow() {
        return wide().memberBytes();
    }

    @Override
    public long bytesBefore(long ofRow) {
        return ofRow * wide().dataCount();
    }

    private long stripe() {
        return wide().stripeOfMember(row);
    }

    /// What is where now.
    ///
    /// @param movingEndBytes up to where the array is being moved; 0 if it is not
    StripePicture picture(long movingEndBytes) {
        return new StripePicture(before, after, wide().startOnMembers(stripe()), movingEndBytes);
    }

    /// The journal has carried a step out, and it is written down.
    void replayed(long newRow) {
        row = newRow;
        show(0);
    }

    /// Whether the step of a stripe writes over what it reads, or what is read after it.
    private boolean isCritical(long stripe) {
        return wide().startOf(stripe) < old().sizeBytes() && live(stripe) <= stripe;
    }

    /// The first stripe of the old shape that holds something not moved before a stripe of the new.
    private long live(long stripe) {
        return old().stripeAt(wide().startOf(stripe));
    }

    @Override
    public Step next() {
        ParityGeometry wide = wide();
        long stripe = stripe();
        long start = wide.startOf(stripe);
        long size = old().sizeBytes();
        if (start >= size) {
            long most = Math.max(1, ZERO_ROWS / wide.chunkBytes());
            long end = wide.startOnMembers(stripe + Math.min(most, wide.stripeCount() - stripe));
            return new Step(row, end, end);
        }
        long count = 1;
        if (!isCritical(stripe) && row == wide.startOnMembers(stripe)) {
            long left = (size - start + wide.stripeBytes() - 1) / wide.stripeBytes();
            long most = Math.max(1, STEP_BYTES / wide.stripeBytes());
            count = Math.min(Math.min(most, left), live(stripe) - stripe);
        }
        long end = wide.startOnMembers(stripe + count);
        long last = Math.min(wide.startOf(stripe + count), size) - 1;
        return new Step(row, end, Math.max(end, old().startOnMembers(old().stripeAt(last) + 1)));
    }

    @Override
    public void begin(Group group, Step step) throws InterruptedException {
        if (!isQuiet) {
            // What was answered by reference while nothing moved may take long to be sent.
            show(0);
            awaitReads(group);
            isQuiet = true;
        }
        show(wide().startOf(wide().stripeOfMember(step.endRow())));
        awaitReads(group);
    }

    /// What is where now.
    void show(long movingEndBytes) {
        earlier.add(level.show(picture(movingEndBytes)));
    }

    private void awaitReads(Group group) throws InterruptedException {
        for (StripePicture seen : earlier) {
            group.blocking().threads().await(seen::retire);
        }
        earlier.clear();
    }

    @Override
    public void move(Group group, Step step, Recorder recorder)
            throws DeviceFault, InterruptedException {
        StripeMoves moves = new StripeMoves(before, after, group, recorder);
        long stripe = stripe();
        if (wide().startOf(stripe) >= old().sizeBytes()) {
            moves.zero(step.row(), step.endRow());
            record(recorder, step.endRow(), false);
        } else if (isCritical(stripe)) {
            long end = step.endRow();
            while (row < end) {
                long length = Math.min(end - row, StripeMoves.sliceRows(after));
                StripeMoves.Slice slice = moves.read(stripe, row, length);
                try {
                    moves.writeJournalled(slice);
                    record(recorder, row + length, true);
                } finally {
                    slice.release();
                }
            }
        } else {
            moves.copy(step.row(), step.endRow());
            record(recorder, step.endRow(), false);
        }
        show(0);
    }

    private void record(Recorder recorder, long newRow, boolean mustSucceed)
            throws DeviceFault, InterruptedException {
        recorder.record(newRow, mustSucceed);
        row = newRow;
    }

    @Override
    public void giveUp(Step step) {
        if (level.picture().isMoving(0, Long.MAX_VALUE)) {
            show(0);
        }
    }

    @Override
    public void refuse(DeviceFault why) {
        level.refuse(why);
    }

    @Override
    public void end() {
        level.arrived(after);
    }
}

package org.unifiedvolume.raid.redundant;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.unifiedvolume.raid.bitmap.WriteIntentBitmap;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// A change of data on its way: holds its rows, waits until its intent is on disk, is carried out
/// by the level, and is acknowledged when the superblocks say which legs lack it.
final class RowChange extends RangeLocks.Hold implements Level.Change, WriteIntentBitmap.Waiter {
    private final RedundantArray array;
    private final IoRequest request;
    private final Completion done;
    private final long row;
    private final long rows;

    /// The clients' part, and the legs that get it later.
    private final AtomicInteger owed = new AtomicInteger(1);

    RowChange(RedundantArray array, IoRequest request, Completion done, long row, long endRow) {
        super(row, endRow - row);
        this.array = array;
        this.request = request;
        this.done = done;
        this.row = row;
        this.rows = endRow - row;
    }

    /// The rows are held: only now is it sure which legs take changes. A leg that starts to do so
    /// later is given these rows by its rebuild, which waits for them.
    @Override
    protected void granted() {
        long offset = request.offsetBytes();
        long length = request.lengthBytes();
        Level level = array.level();
        if (!level.isWithin(offset, length, row, row + rows)) {
            array.locks().release(this); // what it changes has moved meanwhile
            array.locks()
                    .acquire(
                            new RowChange(
                                    array,
                                    request,
                                    done,
                                    level.firstRow(offset, length),
                                    level.endRow(offset, length)));
            return;
        }
        WriteIntentBitmap bitmap = array.bitmap();
        if (bitmap == null || bitmap.enter(row, rows, this)) {
            go();
        }
    }

    @Override
    protected boolean isRefusable() {
        return true;
    }

    @Override
    protected void refused(DeviceFault why) {
        answer(new Outcome.Failed(why));
    }

    @Override
    public void entered(DeviceFault fault) {
        if (fault == null) {
            go();
        } else {
            array.locks().release(this);
            answer(new Outcome.Failed(fault));
        }
    }

    private void go() {
        array.level().change(array, request, this);
    }

    @Override
    public void complete(IoRequest submitted, Outcome outcome) {
        follow(
                () -> {
                    if (owed.get() > 1) {
                        array.locks().letPass(this);
                    }
                    paid();
                    acknowledge(outcome);
                });
    }

    /// Its rows stay held against all but other changes, which keep the order for themselves.
    @Override
    public Runnable owed() {
        owed.incrementAndGet();
        return this::paid;
    }

    private void paid() {
        if (owed.decrementAndGet() == 0) {
            leave();
        }
    }

    @Override
    protected boolean mayPass() {
        return true;
    }

    /// Members that are to take a leg's place are given the same rows before these are let go.
    private void follow(Runnable then) {
        List<Replacement> followers = array.legs().reserve().replacements();
        if (followers.isEmpty()) {
            then.run();
        } else {
            new Following(array, followers, request, row, row + rows, then).run();
        }
    }

    private void leave() {
        if (array.bitmap() != null) {
            array.bitmap().leave(row, rows);
        }
        array.locks().release(this);
    }

    @Override
    public void failed(DeviceFault why, Level.Mending mending) {
        if (request instanceof IoRequest.Write write) {
            write.source().retain();
        }
        array.failedChanges().add(this, why, mending);
        answer(new Outcome.Failed(why));
    }

    long row() {
        return row;
    }

    /// Whether it holds a row.
    boolean covers(long someRow) {
        return row <= someRow && someRow < row + rows;
    }

    /// The legs agree on the rows of a change that failed.
    void mended() {
        follow(
                () -> {
                    leave();
                    letGo();
                });
    }

    /// A change that failed is left as it is.
    void letGo() {
        if (request instanceof IoRequest.Write write) {
            write.source().release();
        }
    }

    @Override
    public boolean isAwaited() {
        return done.isAwaited();
    }

    /// Answers once nothing that the change depends on can be forgotten.
    private void acknowledge(Outcome outcome) {
        if (array.isRecorded() || !outcome.isSuccess()) {
            answer(outcome);
        } else {
            array.whenRecorded(why -> answer(why == null ? outcome : new Outcome.Failed(why)));
        }
    }

    private void answer(Outcome outcome) {
        done.complete(request, outcome);
        array.answered();
    }
}

package org.unifiedvolume.raid.stripe;

import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.request.DeviceFault;

/// The change of one band: reads what it needs, computes new parity, and writes.
///
/// Which way depends on how much there is to read, and on which legs are left:
///
/// - *Modify:* the old bytes of the chunks that change and the old parity give the new parity.
/// - *Reconstruct:* the chunks that do not change and the new ones give it.
/// - *Recover:* where a leg is missing on either way, everything else is read first.
/// - No parity is left to write, or all chunks change: nothing is read.
///
/// After an unclean stop, while parity may be wrong, nothing is modified: the other ways make
/// parity right.
final class BandChange extends StripePart {
    private final Band band;
    private final StripeLegs legs;
    private final long writes;
    private final Patience patience = new Patience();
    private StripeRows rows;
    private Buffers newP;
    private Buffers newQ;
    private boolean settled;

    BandChange(StripeChange change, Band band) {
        super(change);
        this.band = band;
        this.legs = new StripeLegs(level().geometry(), change.roles(), band.stripe());
        this.writes = (band.changed() | ~legs.data()) & legs.all() & legs.writable();
    }

    void start() {
        rows =
                new StripeRows(
                        group(),
                        level().parity(),
                        change().what(),
                        legs,
                        band.row(),
                        band.lengthBytes());
        if (settled) {
            rows.haveBeenSettled();
        }
        gather();
    }

    private long parities() {
        return writes & ~legs.data();
    }

    private long unchanged() {
        return legs.data() & ~band.changed();
    }

    /// Reads what is needed; comes back here when a leg failed, and chooses anew.
    private void gather() {
        if (parities() == 0 || unchanged() == 0) {
            write(parities() == 0 ? this::noParity : this::reconstruct);
            return;
        }
        long toModify = band.changed() | parities();
        boolean canModify = (toModify & ~legs.readable()) == 0 && !change().roles().isMeasured();
        boolean canReconstruct = (unchanged() & ~legs.readable()) == 0;
        if (canReconstruct && (!canModify || isReconstructCheaper(toModify))) {
            read(unchanged(), this::reconstruct);
        } else if (canModify) {
            read(toModify, this::modify);
        } else {
            rows.readData(
                    isWell -> {
                        if (isWell) {
                            write(this::reconstruct);
                        } else {
                            fail(rows.fault());
                        }
                    });
        }
    }

    private boolean isReconstructCheaper(long toModify) {
        return Long.bitCount(unchanged()) <= Long.bitCount(toModify);
    }

    private void read(long positions, Runnable compute) {
        rows.read(
                positions,
                isWell -> {
                    if (!isWell) {
                        fail(rows.fault());
                    } else if ((positions & ~rows.known()) != 0) {
                        gather();
                    } else {
                        write(compute);
                    }
                });
    }

    private void fail(DeviceFault why) {
        boolean mustSettle = rows.isUnsettled() && !settled;
        release();
        if (mustSettle) {
            settled = true;
            group().blocking()
                    .threads()
                    .start("uvol-settle-" + group().volume(), () -> settle(why));
        } else if (!patience.retry(why, group().io(), this::start)) {
            notDone(why);
        }
    }

    /// The rows are held already.
    private void settle(DeviceFault why) {
        try {
            level().jobs().settle(group(), band.row(), band.lengthBytes());
            start();
        } catch (DeviceFault fault) {
            notDone(fault);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            notDone(why);
        }
    }

    @Override
    void release() {
        rows.release();
        if (newP != null) {
            newP.release();
            newP = null;
        }
        if (newQ != null) {
            newQ.release();
            newQ = null;
        }
    }

    private void noParity() {
        // what is written stands for itself
    }

    private void reconstruct() {
        Buffers[] data = new Buffers[legs.dataCount()];
        for (int i = 0; i < data.length; i++) {
            data[i] = band.changes(i) ? change().source(band, i) : rows.at(i);
        }
        if (newP != null && newQ != null) {
            level().parity().generate(data, newP, newQ);
        } else if (newP != null) {
            level().parity().generate(data, newP);
        } else {
            level().parity().generateQ(data, newQ);
        }
    }

    private void modify() {
        int count = legs.dataCount();
        Buffers[] before = new Buffers[count];
        Buffers[] after = new Buffers[count];
        for (int i = band.first(); i < band.first() + band.count(); i++) {
            before[i] = rows.at(i);
            after[i] = change().source(band, i);
        }
        if (newP != null) {
            level().parity().renewP(before, after, rows.at(count), newP);
        }
        if (newQ != null) {
            level().parity().renewQ(before, after, rows.at(count + 1), newQ);
        }
    }

    private void write(Runnable compute) {
        boolean isAllZero = change().isZero() && unchanged() == 0;
        if (!isAllZero && !allocate()) {
            fail(StripeRows.noMemory());
            return;
        }
        if (!isAllZero) {
            compute.run();
        }
        journalAndSend(band.row(), band.endRow());
    }

    private boolean allocate() {
        int count = legs.dataCount();
        boolean isWell = true;
        if ((writes >> count & 1) != 0) {
            newP = group().io().pool().allocate(band.lengthBytes());
            isWell = newP != null;
        }
        if (isWell && count + 1 < legs.count() && (writes >> (count + 1) & 1) != 0) {
            newQ = group().io().pool().allocate(band.lengthBytes());
            isWell = newQ != null;
        }
        return isWell;
    }

    @Override
    void describe(JournalChange entry) {
        if (change().isJournalled(parities() != 0)) {
            for (int i = 0; i < legs.count(); i++) {
                if ((writes >> i & 1) != 0) {
                    entry.add(legs.role(i), band.row(), band.lengthBytes(), source(i));
                }
            }
        }
        if (change().isReshape()) {
            entry.reshapes(level().geometry().memberCount());
        }
    }

    private Buffers source(int position) {
        int count = legs.dataCount();
        if (position < count) {
            return change().source(band, position);
        }
        return position == count ? newP : newQ;
    }

    @Override
    void sendTo(LegWrites all) {
        for (int i = 0; i < legs.count(); i++) {
            if ((writes >> i & 1) != 0) {
                all.send(legs.leg(i), band.row(), band.lengthBytes(), source(i));
            }
        }
    }

    @Override
    void notSent(DeviceFault why) {
        fail(why);
    }

    @Override
    void sendAgain() throws DeviceFault, InterruptedException {
        for (int i = 0; i < legs.count(); i++) {
            if ((writes >> i & 1) != 0 && (failed() >> legs.role(i) & 1) != 0) {
                LegWrites.again(group(), legs.leg(i), band.row(), band.lengthBytes(), source(i));
            }
        }
    }
}

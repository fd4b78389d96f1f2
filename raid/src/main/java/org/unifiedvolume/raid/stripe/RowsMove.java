package org.unifiedvolume.raid.stripe;

import java.util.List;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;

/// Gives rows of one stripe their new content: all of its data, and the parity that it has then.
///
/// Where the rows written over still hold bytes that have not moved, the journal gets all of it
/// first, together with how far the new shape goes with it, and keeps it until that is in the
/// superblocks. Elsewhere there is nothing to be lost, and the journal only forgets what it has of
/// the rows.
final class RowsMove extends StripeChange {
    private final Band band;
    private final Buffers[] data;
    private final List<StripePart> kept;

    /// @param what a write, or a zeroing if all data are zeroes
    /// @param band all of a stripe's data in some rows
    /// @param data by data index; alive until the kept parts are let go
    /// @param kept is given what the journal has to keep; null if it need not
    RowsMove(
            ParityLevel level,
            Group group,
            IoRequest what,
            Band band,
            Buffers[] data,
            List<StripePart> kept,
            Completion done) {
        super(level, group, null, what, what, done);
        this.band = band;
        this.data = data;
        this.kept = kept;
    }

    @Override
    void startParts() {
        expectOne();
        new BandChange(this, band).start();
        allSubmitted();
    }

    @Override
    Buffers source(Band part, int dataIndex) {
        return isZero() ? null : data[dataIndex].part(part.row() - band.row(), part.lengthBytes());
    }

    @Override
    boolean isJournalled(boolean hasParity) {
        return kept != null;
    }

    @Override
    boolean isReshape() {
        return kept != null;
    }

    @Override
    void partEnded(StripePart part) {
        if (kept == null) {
            part.letGo();
        } else {
            keep(part);
        }
    }

    /// Legs may have it or not: that is as good as not at all, as it will be done again.
    @Override
    void partBroke(StripePart part) {
        if (kept == null) {
            part.letGo();
        } else {
            part.lasts();
            keep(part);
        }
    }

    private void keep(StripePart part) {
        synchronized (kept) {
            kept.add(part);
        }
    }
}

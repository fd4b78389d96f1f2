package org.unifiedvolume.raid.stripe;

import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.raid.geometry.ParityGeometry;

/// Some rows of one stripe in which data chunks that follow one another change.
///
/// What a request changes of a stripe is cut into at most three of them, so that within one band
/// every changed chunk is changed over all of its rows:
///
/// ```
///            data 0   data 1   data 2
///  rows     ┌────────┬────────┬────────┐
///  0 …      │        │ band A │ band A │
///           │        │        ├────────┤   a change from the middle of data 0
///           ├────────┼────────┤        │   into data 2
///           │ band B │ band B │        │
///           └────────┴────────┴────────┘
/// ```
///
/// Bands of different rows have nothing to do with one another: each row has its own parity.
///
/// @param row the first row, counted from the start of the legs' data areas
/// @param first the data index of the first chunk that changes
/// @param count how many chunks change, from 1 to all
record Band(long stripe, long row, long lengthBytes, int first, int count) {
    /// Cuts a range of the array, not empty, that lies within one stripe.
    static List<Band> of(ParityGeometry geometry, long offsetBytes, long lengthBytes) {
        long stripe = geometry.stripeAt(offsetBytes);
        long chunk = geometry.chunkBytes();
        long from = offsetBytes - geometry.startOf(stripe);
        long last = from + lengthBytes - 1;
        int firstData = (int) (from / chunk);
        int lastData = (int) (last / chunk);
        long start = from % chunk;
        long end = last % chunk + 1;
        long base = geometry.startOnMembers(stripe);
        if (firstData == lastData) {
            return List.of(new Band(stripe, base + start, end - start, firstData, 1));
        }
        List<Band> bands = new ArrayList<>(3);
        long[] cuts = {0, Math.min(start, end), Math.max(start, end), chunk};
        for (int i = 0; i + 1 < cuts.length; i++) {
            int low = cuts[i] >= start ? firstData : firstData + 1;
            int high = cuts[i] < end ? lastData : lastData - 1;
            long length = cuts[i + 1] - cuts[i];
            if (length > 0 && high >= low) {
                bands.add(new Band(stripe, base + cuts[i], length, low, high - low + 1));
            }
        }
        return bands;
    }

    /// The whole of a stripe.
    static Band whole(ParityGeometry geometry, long stripe) {
        return new Band(
                stripe,
                geometry.startOnMembers(stripe),
                geometry.chunkBytes(),
                0,
                geometry.dataCount());
    }

    /// Some of its rows.
    Band part(long fromBytes, long length) {
        return new Band(stripe, row + fromBytes, length, first, count);
    }

    /// Where in the array the rows of a chunk begin.
    long offsetOf(ParityGeometry geometry, int dataIndex) {
        return geometry.startOf(stripe)
                + dataIndex * geometry.chunkBytes()
                + row
                - geometry.startOnMembers(stripe);
    }

    boolean changes(int dataIndex) {
        return dataIndex >= first && dataIndex < first + count;
    }

    /// The chunks that change, as a set of positions.
    long changed() {
        return ((1L << count) - 1) << first;
    }

    long endRow() {
        return row + lengthBytes;
    }
}

package org.unifiedvolume.raid.array;

import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.raid.geometry.StripeGeometry;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.IoRequest.Locate;
import org.unifiedvolume.request.Outcome;

/// A locate over several chunks: deals the members' extents out in the order of the array, until
/// the first member that has not answered further.
final class StripedLocate extends SpreadAnswers {
    private static final int MAX_EXTENTS = 4096;

    private final StripeGeometry geometry;
    private final long offset;
    private final long length;

    /// @param lengthBytes how much of the range is asked for
    StripedLocate(StripeGeometry geometry, Locate parent, long lengthBytes, Completion done) {
        super(parent, done, geometry.memberCount());
        this.geometry = geometry;
        this.offset = parent.offsetBytes();
        this.length = lengthBytes;
    }

    @Override
    protected Outcome success() {
        ExtentCursor[] cursors = new ExtentCursor[geometry.memberCount()];
        for (int i = 0; i < cursors.length; i++) {
            if (outcome(i) instanceof Outcome.Located(List<Extent> extents)) {
                cursors[i] = new ExtentCursor(extents);
            }
        }
        List<Extent> all = new ArrayList<>();
        long at = offset;
        long end = offset + length;
        Extent run = null;
        while (at < end && all.size() < MAX_EXTENTS) {
            ExtentCursor cursor = cursors[geometry.memberAt(at)];
            if (cursor.isAtEnd()) {
                break;
            }
            long chunkEnd = (geometry.chunkAt(at) + 1) * geometry.chunkBytes();
            Extent piece = cursor.take(Math.min(end, chunkEnd) - at);
            at += piece.lengthBytes();
            if (run != null && run.kind() == piece.kind()) {
                run = new Extent(run.lengthBytes() + piece.lengthBytes(), run.kind());
            } else {
                if (run != null) {
                    all.add(run);
                }
                run = piece;
            }
        }
        all.add(run);
        return new Outcome.Located(all);
    }
}

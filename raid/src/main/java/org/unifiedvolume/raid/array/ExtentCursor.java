package org.unifiedvolume.raid.array;

import java.util.List;
import org.unifiedvolume.request.Extent;

/// Takes one member's extents, piece by piece.
public final class ExtentCursor {
    private final List<Extent> extents;
    private int next;
    private long left;

    /// @param extents at least one
    public ExtentCursor(List<Extent> extents) {
        this.extents = extents;
        this.left = extents.getFirst().lengthBytes();
    }

    public boolean isAtEnd() {
        return next == extents.size();
    }

    /// The next run of bytes of one kind, at most `most` of them. Not at the end.
    public Extent take(long most) {
        Extent.Kind kind = extents.get(next).kind();
        long taken = Math.min(most, left);
        left -= taken;
        if (left == 0) {
            next++;
            left = isAtEnd() ? 0 : extents.get(next).lengthBytes();
        }
        return new Extent(taken, kind);
    }
}

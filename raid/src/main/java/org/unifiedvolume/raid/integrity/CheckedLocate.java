package org.unifiedvolume.raid.integrity;

import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Locate;
import org.unifiedvolume.request.Outcome;

/// A question for extents: only what the member calls zeroes and its marks do not deny is.
/// The answer ends early rather than to need many blocks of checksums at once.
final class CheckedLocate implements Completion {
    private static final long MOST_BLOCKS = 8L * ChecksumSectors.ENTRIES;

    private final IntegrityLayer layer;
    private final Locate locate;
    private final Completion done;
    private final long first;
    private final long count;
    private final BlockUse use;

    CheckedLocate(IntegrityLayer layer, Locate locate, Completion done) {
        this.layer = layer;
        this.locate = locate;
        this.done = done;
        this.first = layer.numberOf(locate.offsetBytes());
        this.count = Math.min(MOST_BLOCKS, IntegrityLayer.countOf(locate.lengthBytes()));
        this.use = new BlockUse(layer.area(), first, count);
    }

    void start() {
        layer.begins();
        use.begin(false, this::ready);
    }

    private void ready(DeviceFault fault) {
        long length = count * Checksums.BLOCK_BYTES;
        if (fault != null) {
            List<Extent> anything = List.of(new Extent(length, Extent.Kind.DATA));
            layer.answer(locate, new Outcome.Located(anything), done);
            return;
        }
        Locate part =
                length == locate.lengthBytes()
                        ? locate
                        : new Locate(locate.tag(), locate.offsetBytes(), length);
        layer.below().submit(part, this);
    }

    @Override
    public void complete(IoRequest request, Outcome outcome) {
        Outcome own =
                outcome instanceof Outcome.Located(List<Extent> extents)
                        ? new Outcome.Located(both(extents))
                        : outcome;
        use.giveBack();
        layer.answer(locate, own, done);
    }

    @Override
    public boolean isAwaited() {
        return done.isAwaited();
    }

    private List<Extent> both(List<Extent> extents) {
        List<Extent> found = new ArrayList<>();
        long start = first * Checksums.BLOCK_BYTES;
        long end = start + count * Checksums.BLOCK_BYTES;
        long at = start;
        for (Extent extent : extents) {
            long until = Math.min(end, at + extent.lengthBytes());
            while (at < until) {
                long number = at / Checksums.BLOCK_BYTES;
                long part = Math.min(until, (number + 1) * Checksums.BLOCK_BYTES) - at;
                boolean isZero = extent.kind().readsZero() && mayBeZero(use.get(number));
                new Extent(part, isZero ? extent.kind() : Extent.Kind.DATA).appendTo(found);
                at += part;
            }
        }
        return found;
    }

    /// Where nothing is known of the data, what the member says is as good as what it holds.
    private static boolean mayBeZero(int entry) {
        return entry == Checksums.ZEROES || entry == Checksums.UNKNOWN;
    }
}

package org.unifiedvolume.raid.integrity;

import org.unifiedvolume.layer.RangeQueue;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Zero;
import org.unifiedvolume.request.Outcome;

/// A zeroing on its way: first the data, then, piece by piece, the marks.
final class CheckedZero implements Completion {
    /// So much at once: 64 blocks of checksums.
    private static final long PIECE = 64L * ChecksumSectors.ENTRIES;

    private final IntegrityLayer layer;
    private final Zero zero;
    private final IoRequest answered;
    private final Completion done;
    private final RangeQueue.Claim claim;
    private final long end;
    private long at;

    /// @param answered what was asked for, to be named in the answer
    CheckedZero(IntegrityLayer layer, Zero zero, IoRequest answered, Completion done) {
        this.layer = layer;
        this.zero = zero;
        this.answered = answered;
        this.done = done;
        this.at = layer.numberOf(zero.offsetBytes());
        this.end = at + IntegrityLayer.countOf(zero.lengthBytes());
        this.claim =
                new RangeQueue.Claim(
                        zero.offsetBytes(),
                        zero.offsetBytes() + zero.lengthBytes(),
                        true,
                        () -> layer.below().submit(zero, this));
    }

    void start() {
        layer.begins();
        layer.queue().claim(claim);
    }

    @Override
    public void complete(IoRequest request, Outcome outcome) {
        if (outcome instanceof Outcome.Failed(DeviceFault fault)) {
            answer(fault);
        } else {
            markNext();
        }
    }

    @Override
    public boolean isAwaited() {
        return done.isAwaited();
    }

    private void markNext() {
        if (at == end) {
            answer(null);
            return;
        }
        long count = Math.min(end - at, PIECE - at % PIECE);
        BlockUse use = new BlockUse(layer.area(), at, count);
        use.begin(
                true,
                fault -> {
                    if (fault != null) {
                        answer(fault);
                        return;
                    }
                    use.setAll(at, count, Checksums.ZEROES);
                    at += count;
                    use.save(
                            zero.durability(),
                            new SaveWait(use.saveCount(), why -> marked(use, why)));
                });
    }

    private void marked(BlockUse use, DeviceFault fault) {
        use.giveBack();
        if (fault == null) {
            markNext();
        } else {
            answer(fault);
        }
    }

    private void answer(DeviceFault fault) {
        layer.queue().release(claim);
        layer.answer(answered, fault == null ? Outcome.Done.DONE : new Outcome.Failed(fault), done);
    }
}

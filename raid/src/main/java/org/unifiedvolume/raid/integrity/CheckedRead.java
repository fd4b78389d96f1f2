package org.unifiedvolume.raid.integrity;

import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.layer.RangeQueue;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.Outcome;

/// A read on its way: first without a lock; if its bytes do not fit, once more while nobody changes
/// them.
final class CheckedRead implements Completion {
    private static final long NONE = -1;

    private final IntegrityLayer layer;
    private final Read read;
    private final Completion done;
    private final long first;
    private final Checksums checksums;

    /// Null while all that is needed is in memory and may leave it.
    private BlockUse use;

    /// The one block that tells of all; null if there are several, or it is not in memory.
    private ChecksumBlock only;

    /// Held for the second look; null at the first.
    private RangeQueue.Claim claim;

    private long badCount;

    CheckedRead(IntegrityLayer layer, Read read, Completion done) {
        this.layer = layer;
        this.read = read;
        this.done = done;
        this.first = layer.numberOf(read.offsetBytes());
        this.checksums = layer.area().checksums();
    }

    void start() {
        layer.begins();
        look();
    }

    private long count() {
        return IntegrityLayer.countOf(read.lengthBytes());
    }

    private void look() {
        long block = first / ChecksumSectors.ENTRIES;
        only =
                block == (first + count() - 1) / ChecksumSectors.ENTRIES && claim == null
                        ? layer.area().cached(block)
                        : null;
        if (only != null) {
            ask();
            return;
        }
        use = new BlockUse(layer.area(), first, count());
        use.begin(
                false,
                fault -> {
                    if (fault == null) {
                        ask();
                    } else {
                        use = null;
                        end(new Outcome.Failed(fault));
                    }
                });
    }

    private void ask() {
        Read plain =
                read.mayRefer()
                        ? new Read(read.tag(), read.offsetBytes(), read.lengthBytes())
                        : read;
        layer.below().submit(plain, this);
    }

    @Override
    public void complete(IoRequest request, Outcome outcome) {
        if (!(outcome instanceof Outcome.Data(Buffers data))) {
            end(outcome);
            return;
        }
        int[] found = checksums.of(first, data);
        long bad = firstBad(found);
        if (bad == NONE) {
            end(outcome);
        } else if (claim == null) {
            data.release();
            lookAgain();
        } else {
            data.release();
            end(new Outcome.Failed(layer.mismatch(bad, badCount)));
        }
    }

    @Override
    public boolean isAwaited() {
        return done.isAwaited();
    }

    private int entryOf(long number) {
        return only != null ? only.get((int) (number % ChecksumSectors.ENTRIES)) : use.get(number);
    }

    /// The first block that does not fit; [#NONE] if all do.
    private long firstBad(int[] found) {
        long bad = NONE;
        badCount = 0;
        for (int i = 0; i < found.length; i++) {
            if (!checksums.fits(first + i, entryOf(first + i), found[i])) {
                bad = bad == NONE ? first + i : bad;
                badCount++;
            }
        }
        return bad;
    }

    /// A change may be under way, and what was found may be before it or after it.
    private void lookAgain() {
        letGo();
        claim =
                new RangeQueue.Claim(
                        read.offsetBytes(),
                        read.offsetBytes() + read.lengthBytes(),
                        false,
                        this::look);
        layer.queue().claim(claim);
    }

    private void letGo() {
        if (use != null) {
            use.giveBack();
            use = null;
        }
        only = null;
    }

    private void end(Outcome outcome) {
        letGo();
        if (claim != null) {
            layer.queue().release(claim);
        }
        layer.answer(read, outcome, done);
    }
}

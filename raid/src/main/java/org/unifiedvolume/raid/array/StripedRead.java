package org.unifiedvolume.raid.array;

import org.unifiedvolume.Invariant;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.geometry.StripeGeometry;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.Outcome;

/// A read over several chunks: deals the members' payloads out in the order of the array.
final class StripedRead extends SpreadAnswers {
    private final StripeGeometry geometry;
    private final long offset;
    private final long length;

    StripedRead(StripeGeometry geometry, Read parent, Completion done) {
        super(parent, done, geometry.memberCount());
        this.geometry = geometry;
        this.offset = parent.offsetBytes();
        this.length = parent.lengthBytes();
    }

    @Override
    protected Outcome success() {
        Buffers[] brought = new Buffers[geometry.memberCount()];
        for (int i = 0; i < brought.length; i++) {
            if (outcome(i) instanceof Outcome.Data(Buffers buffers)) {
                Invariant.check(
                        buffers.length() == geometry.lengthOn(i, offset, length),
                        "a member answered %d bytes, not what it was asked for",
                        buffers.length());
                brought[i] = buffers;
            }
        }
        long first = geometry.chunkAt(offset);
        int count = (int) (geometry.chunkAt(offset + length - 1) - first) + 1;
        long end = offset + length;
        Buffers[] parts = new Buffers[count];
        for (int i = 0; i < count; i++) {
            long from = Math.max(offset, (first + i) * geometry.chunkBytes());
            long to = Math.min(end, (first + i + 1) * geometry.chunkBytes());
            int member = geometry.memberOfChunk(first + i);
            long start = geometry.startOn(member, offset, length);
            parts[i] = brought[member].part(geometry.memberOffset(from) - start, to - from);
        }
        Buffers all = Buffers.concat(parts);
        // A slice may have become several: count each of them, then give up the old count.
        all.retain();
        for (Buffers buffers : brought) {
            if (buffers != null) {
                buffers.release();
            }
        }
        return new Outcome.Data(all);
    }
}

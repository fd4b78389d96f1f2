package org.unifiedvolume.layer;

import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.request.AllOf;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// Writes a range that begins or ends within a block: reads the first and the last block where they
/// are touched in part, then writes whole blocks, made of what was read and of the source. No byte
/// is copied.
///
/// ```
///  ├──── block ────┼──── block ────┼──── block ────┤
///  head │◄─────────── source ───────────►│ tail
/// ```
///
/// The one who starts it keeps others from changing these blocks meanwhile.
final class EdgeWrite {
    private final BlockDevice below;
    private final IoContext context;
    private final IoTag tag;
    private final long offsetBytes;
    private final Buffers source;
    private final Durability durability;
    private final Completion done;
    private final int blockBytes;

    /// The first block's old content if the range begins within it; null otherwise. The same for
    /// the last one.
    private volatile Buffers first;

    private volatile Buffers last;

    EdgeWrite(
            BlockDevice below,
            IoContext context,
            IoTag tag,
            long offsetBytes,
            Buffers source,
            Durability durability,
            Completion done) {
        this.below = below;
        this.context = context;
        this.tag = tag;
        this.offsetBytes = offsetBytes;
        this.source = source;
        this.durability = durability;
        this.done = done;
        this.blockBytes = below.shape().blockBytes();
    }

    private long endBytes() {
        return offsetBytes + source.length();
    }

    private long startBlockBytes() {
        return offsetBytes & -blockBytes;
    }

    /// Where the last block starts that the range touches.
    private long lastBlockBytes() {
        return endBytes() - 1 & -blockBytes;
    }

    void start() {
        boolean headless = offsetBytes == startBlockBytes();
        boolean tailless = endBytes() == lastBlockBytes() + blockBytes;
        AllOf edges = new AllOf(null, (_, outcome) -> edgesAreIn(outcome));
        if (!headless) {
            read(startBlockBytes(), true, edges);
        }
        if (!tailless && (headless || lastBlockBytes() != startBlockBytes())) {
            read(lastBlockBytes(), false, edges);
        }
        edges.allSubmitted();
    }

    /// Reads the block at one end.
    private void read(long blockOffset, boolean isFirst, AllOf edges) {
        edges.expectOne();
        IoTag child =
                tag.child(
                        context.ids().next(),
                        Operation.READ,
                        below.locality(Operation.READ, blockOffset, blockBytes),
                        blockOffset,
                        blockBytes);
        below.submit(
                new IoRequest.Read(child, blockOffset, blockBytes),
                (request, outcome) -> {
                    if (outcome instanceof Outcome.Data(Buffers bytes)) {
                        if (isFirst) {
                            first = bytes;
                        } else {
                            last = bytes;
                        }
                    }
                    edges.complete(request, outcome);
                });
    }

    private void edgesAreIn(Outcome outcome) {
        if (!outcome.isSuccess()) {
            end(outcome);
            return;
        }
        long start = startBlockBytes();
        long end = lastBlockBytes() + blockBytes;
        Buffers tailBlock = last != null ? last : first;
        Buffers head = offsetBytes == start ? Buffers.empty() : first.part(0, offsetBytes - start);
        Buffers tail =
                endBytes() == end
                        ? Buffers.empty()
                        : tailBlock.part(endBytes() - lastBlockBytes(), end - endBytes());
        Buffers whole = Buffers.concat(head, source, tail);
        IoTag child =
                tag.child(
                        context.ids().next(),
                        Operation.WRITE,
                        below.locality(Operation.WRITE, start, end - start),
                        start,
                        end - start);
        below.submit(
                new IoRequest.Write(child, start, whole, durability), (_, written) -> end(written));
    }

    private void end(Outcome outcome) {
        if (first != null) {
            first.release();
        }
        if (last != null) {
            last.release();
        }
        done.complete(null, outcome);
    }
}

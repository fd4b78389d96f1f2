package org.unifiedvolume.layer;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.device.Layer;
import org.unifiedvolume.request.AllOf;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Discard;
import org.unifiedvolume.request.IoRequest.Flush;
import org.unifiedvolume.request.IoRequest.Locate;
import org.unifiedvolume.request.IoRequest.Prefetch;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.IoRequest.Write;
import org.unifiedvolume.request.IoRequest.Zero;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// Lets clients address single bytes of a device that has a block grid.
///
/// Ranges on the grid pass straight through. A read off the grid reads the blocks around it; a
/// change reads the blocks that it touches in part, and writes them back whole ([EdgeWrite]).
/// Changes through this layer that meet in a block, one of them off the grid, wait for each other
/// ([RangeQueue]), so that none undoes another. Clients that change one block by different layers
/// at the same moment get what two hosts get that write one disk: one of the two.
public final class AlignLayer extends Layer {
    private final IoContext context;
    private volatile DeviceShape shape;
    private final int blockBytes;
    private final RangeQueue queue = new RangeQueue();

    public AlignLayer(BlockDevice below, IoContext context) {
        super(below);
        this.context = context;
        DeviceShape grid = below.shape();
        this.blockBytes = grid.blockBytes();
        this.shape =
                new DeviceShape(
                        grid.sizeBytes(),
                        1,
                        grid.preferredBytes(),
                        // an unaligned range may touch one block more at each end
                        Math.max(grid.preferredBytes(), grid.maxTransferBytes() - 2L * blockBytes),
                        grid.memoryAlignmentBytes(),
                        grid.abilities());
    }

    @Override
    public DeviceShape shape() {
        DeviceShape known = shape;
        long size = below.shape().sizeBytes();
        if (known.sizeBytes() != size) {
            known = known.withSize(size); // what is below has grown
            shape = known;
        }
        return known;
    }

    @Override
    public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
        long start = floor(offsetBytes);
        return below.locality(operation, start, ceiling(offsetBytes + lengthBytes) - start);
    }

    @Override
    public long localityRun(long offsetBytes) {
        long start = floor(offsetBytes);
        return below.localityRun(start) - (offsetBytes - start);
    }

    private long floor(long offset) {
        return offset & -blockBytes;
    }

    private long ceiling(long offset) {
        return floor(offset + blockBytes - 1);
    }

    private boolean isOnGrid(IoRequest request) {
        return ((request.offsetBytes() | request.lengthBytes()) & (blockBytes - 1)) == 0;
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        switch (request) {
            case Read read -> read(read, done);
            case Write write -> change(write, () -> new Changed(write, done), this::write);
            case Zero zero -> change(zero, () -> new Changed(zero, done), this::zero);
            case Discard discard -> discard(discard, done);
            case Flush flush -> below.submit(flush, done);
            case Prefetch prefetch -> prefetch(prefetch, done);
            case Locate locate -> locate(locate, done);
        }
    }

    // ---------------------------------------------------------------------------- reads

    private void read(Read read, Completion done) {
        if (isOnGrid(read)) {
            below.submit(read, done);
            return;
        }
        long start = floor(read.offsetBytes());
        long end = ceiling(read.offsetBytes() + read.lengthBytes());
        below.submit(
                new Read(read.tag(), start, end - start),
                (_, outcome) ->
                        done.complete(
                                read,
                                outcome instanceof Outcome.Data(Buffers whole)
                                        ? new Outcome.Data(
                                                part(
                                                        whole,
                                                        read.offsetBytes() - start,
                                                        read.lengthBytes()))
                                        : outcome));
    }

    /// A part that is released on its own: what lies outside is given back now.
    private static Buffers part(Buffers whole, long offset, long length) {
        Buffers part = whole.part(offset, length);
        part.retain();
        whole.release();
        return part;
    }

    private void prefetch(Prefetch prefetch, Completion done) {
        long start = floor(prefetch.offsetBytes());
        long end = ceiling(prefetch.offsetBytes() + prefetch.lengthBytes());
        below.submit(
                new Prefetch(prefetch.tag(), start, end - start),
                (_, outcome) -> done.complete(prefetch, outcome));
    }

    private void locate(Locate locate, Completion done) {
        if (isOnGrid(locate)) {
            below.submit(locate, done);
            return;
        }
        long start = floor(locate.offsetBytes());
        long end = ceiling(locate.offsetBytes() + locate.lengthBytes());
        long skip = locate.offsetBytes() - start;
        below.submit(
                new Locate(locate.tag(), start, end - start),
                (_, outcome) ->
                        done.complete(
                                locate,
                                outcome instanceof Outcome.Located(List<Extent> extents)
                                        ? new Outcome.Located(
                                                part(extents, skip, locate.lengthBytes()))
                                        : outcome));
    }

    /// What the extents say of `length` bytes behind the first `skip`.
    private static List<Extent> part(List<Extent> extents, long skip, long length) {
        List<Extent> parts = new ArrayList<>();
        long start = 0;
        for (Extent extent : extents) {
            long end = start + extent.lengthBytes();
            long from = Math.max(start, skip);
            long to = Math.min(end, skip + length);
            if (from < to) {
                parts.add(new Extent(to - from, extent.kind()));
            }
            start = end;
        }
        return parts;
    }

    // -------------------------------------------------------------------------- changes

    /// A change under way: lets those go that wait for it, then answers.
    private final class Changed implements Completion {
        private final IoRequest request;
        private final Completion done;
        private RangeQueue.Claim claim;

        Changed(IoRequest request, Completion done) {
            this.request = request;
            this.done = done;
        }

        @Override
        public void complete(IoRequest ignored, Outcome outcome) {
            queue.release(claim);
            done.complete(request, outcome);
        }
    }

    private interface Carrier<R extends IoRequest> {
        void carry(R request, Completion done);
    }

    /// Carries a change out when no other is in its way.
    private <R extends IoRequest> void change(
            R request, Supplier<Changed> ends, Carrier<R> carrier) {
        Changed end = ends.get();
        long start = floor(request.offsetBytes());
        long length = ceiling(request.offsetBytes() + request.lengthBytes()) - start;
        end.claim =
                new RangeQueue.Claim(
                        start,
                        start + length,
                        !isOnGrid(request),
                        () -> carrier.carry(request, end));
        queue.claim(end.claim);
    }

    private void write(Write write, Completion done) {
        if (isOnGrid(write)) {
            below.submit(write, done);
        } else {
            new EdgeWrite(
                            below,
                            context,
                            write.tag(),
                            write.offsetBytes(),
                            write.source(),
                            write.durability(),
                            done)
                    .start();
        }
    }

    private void discard(Discard discard, Completion done) {
        long start = ceiling(discard.offsetBytes());
        long end = floor(discard.offsetBytes() + discard.lengthBytes());
        if (start >= end) {
            // Less than a block: it may read as before.
            done.complete(discard, Outcome.Done.DONE);
            return;
        }
        Discard inner = new Discard(discard.tag(), start, end - start, discard.durability());
        change(inner, () -> new Changed(discard, done), below::submit);
    }

    private void zero(Zero zero, Completion done) {
        if (isOnGrid(zero)) {
            below.submit(zero, done);
            return;
        }
        long start = zero.offsetBytes();
        long end = start + zero.lengthBytes();
        long innerStart = Math.min(ceiling(start), end);
        long innerEnd = Math.max(floor(end), innerStart);
        AllOf all = new AllOf(zero, done);
        if (start < innerStart) {
            zeroEdge(zero, start, innerStart - start, all);
        }
        if (innerStart < innerEnd) {
            all.expectOne();
            long length = innerEnd - innerStart;
            Locality where = below.locality(Operation.ZERO, innerStart, length);
            IoTag inner = zero.tag().child(context.ids().next(), where, innerStart, length);
            below.submit(zero.part(inner, null), all);
        }
        if (innerEnd < end) {
            zeroEdge(zero, innerEnd, end - innerEnd, all);
        }
        all.allSubmitted();
    }

    private void zeroEdge(Zero zero, long offset, long length, AllOf all) {
        all.expectOne();
        Buffers zeroes = context.pool().allocate(length);
        if (zeroes == null) {
            all.complete(
                    zero,
                    Outcome.failed(DeviceFault.Kind.NO_MEMORY, "no memory for a block of zeroes"));
            return;
        }
        zeroes.zero(0, length);
        Completion release =
                (request, outcome) -> {
                    zeroes.release();
                    all.complete(request, outcome);
                };
        Durability durability = zero.durability();
        new EdgeWrite(
                        below,
                        context,
                        zero.tag()
                                .child(
                                        context.ids().next(),
                                        Operation.WRITE,
                                        locality(Operation.WRITE, offset, length),
                                        offset,
                                        length),
                        offset,
                        zeroes,
                        durability,
                        release)
                .start();
    }
}

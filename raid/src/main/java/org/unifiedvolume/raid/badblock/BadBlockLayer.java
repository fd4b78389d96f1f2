package org.unifiedvolume.raid.badblock;

import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.device.Layer;
import org.unifiedvolume.layer.RangeQueue;
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
import org.unifiedvolume.request.Outcome;

/// A member some of whose rows may be lost: a read that needs one of them fails with
/// [DeviceFault.Kind#IO] until they have been written again.
///
/// It has the member's offsets. What lies outside of the data passes straight through. A discard
/// leaves lost rows lost. Whoever marks rows as lost sees to it that no change of them is under
/// way.
public final class BadBlockLayer extends Layer {
    /// Where things lie on a member, in bytes.
    ///
    /// @param listOffset where the area for the list begins
    public record Places(long dataOffset, long dataBytes, long listOffset) {}

    private final Places places;
    private final ListKeeper keeper;
    private final RangeQueue queue = new RangeQueue();
    private final AtomicInteger underWay = new AtomicInteger();

    /// @param member whose list it is
    /// @param found what the member's list is now
    /// @param isOverdue whether the member may still carry out writes of which it was said that
    ///     they have failed
    public BadBlockLayer(
            BlockDevice below,
            IoContext io,
            UUID member,
            Places places,
            BadBlockSlots.Found found,
            BooleanSupplier isOverdue) {
        super(below);
        this.places = places;
        this.keeper = new ListKeeper(below, io, member, places.listOffset, found, isOverdue);
    }

    /// What is lost, in rows: offsets within the data.
    public BadBlocks listed() {
        return keeper.listed();
    }

    /// From now on some rows are lost. No change of them may be under way.
    ///
    /// @param told with null when that is durable, or why it is not
    public void markLost(long row, long lengthBytes, Consumer<DeviceFault> told) {
        if (row < 0 || lengthBytes <= 0 || row > places.dataBytes - lengthBytes) {
            told.accept(
                    new DeviceFault(
                            DeviceFault.Kind.BAD_RANGE,
                            "%s has no %d bytes at row %d".formatted(below, lengthBytes, row)));
            return;
        }
        underWay.incrementAndGet();
        keeper.change(
                true,
                row,
                lengthBytes,
                fault -> {
                    underWay.decrementAndGet();
                    told.accept(fault);
                });
    }

    /// How many requests it has not answered.
    public int underWayCount() {
        return underWay.get();
    }

    @Override
    public String toString() {
        return below.toString();
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        BadBlocks listed = keeper.listed();
        if (listed.isEmpty() || !touches(listed, request)) {
            below.submit(request, done);
            return;
        }
        switch (request) {
            case Read read -> done.complete(read, new Outcome.Failed(lost(read)));
            case Write write -> new ListedChange(this, write, durable(write), done).start();
            case Zero zero -> new ListedChange(this, zero, durable(zero), done).start();
            case Locate locate -> below.submit(locate, new Located(this, locate, done));
            case Discard discard -> below.submit(discard, done);
            case Prefetch prefetch -> below.submit(prefetch, done);
            case Flush flush -> below.submit(flush, done);
        }
    }

    private boolean touches(BadBlocks listed, IoRequest request) {
        long row = rowOf(request);
        return request.lengthBytes() > 0
                && row + request.lengthBytes() > 0
                && row < places.dataBytes
                && listed.overlaps(row, request.lengthBytes());
    }

    private DeviceFault lost(Read read) {
        return new DeviceFault(
                DeviceFault.Kind.IO,
                "%s: some of the %d bytes at offset %d are in the bad-block list: what was there is lost"
                        .formatted(below, read.lengthBytes(), read.offsetBytes()));
    }

    private static Write durable(Write write) {
        return new Write(
                write.tag(),
                write.offsetBytes(),
                write.source(),
                Durability.DURABLE,
                write.mayDrain());
    }

    private static Zero durable(Zero zero) {
        return new Zero(
                zero.tag(),
                zero.offsetBytes(),
                zero.lengthBytes(),
                zero.mayUnmap(),
                zero.fastOnly(),
                Durability.DURABLE);
    }

    /// What a member says of lost rows does not count: nothing is known of them.
    private record Located(BadBlockLayer layer, Locate locate, Completion done)
            implements Completion {
        @Override
        public void complete(IoRequest request, Outcome outcome) {
            done.complete(
                    locate,
                    outcome instanceof Outcome.Located(List<Extent> extents)
                            ? new Outcome.Located(withoutLost(extents))
                            : outcome);
        }

        private List<Extent> withoutLost(List<Extent> extents) {
            BadBlocks listed = layer.listed();
            List<Extent> found = new ArrayList<>();
            long at = layer.rowOf(locate);
            for (Extent extent : extents) {
                long end = at + extent.lengthBytes();
                for (BadBlocks.Range range : listed.ranges()) {
                    if (range.end() <= at || range.row() >= end) {
                        continue;
                    }
                    long from = Math.max(at, range.row());
                    long until = Math.min(end, range.end());
                    if (from > at) {
                        new Extent(from - at, extent.kind()).appendTo(found);
                    }
                    new Extent(until - from, Extent.Kind.DATA).appendTo(found);
                    at = until;
                }
                if (end > at) {
                    new Extent(end - at, extent.kind()).appendTo(found);
                }
                at = end;
            }
            return found;
        }

        @Override
        public boolean isAwaited() {
            return done.isAwaited();
        }
    }

    // --- what changes on their way ask for
    // --------------------------------------------------------

    BlockDevice below() {
        return below;
    }

    ListKeeper keeper() {
        return keeper;
    }

    RangeQueue queue() {
        return queue;
    }

    long rowOf(IoRequest request) {
        return request.offsetBytes() - places.dataOffset;
    }

    void begins() {
        underWay.incrementAndGet();
    }

    void ends() {
        underWay.decrementAndGet();
    }
}

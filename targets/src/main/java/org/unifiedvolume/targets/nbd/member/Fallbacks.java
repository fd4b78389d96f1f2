package org.unifiedvolume.targets.nbd.member;

import java.lang.foreign.Arena;
import java.util.List;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.request.AllOf;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.targets.nbd.wire.Nbd;

/// What a device does itself because its server, or the layout of the messages, cannot.
final class Fallbacks {
    /// Compact headers have 32 bits for a length; the largest power of two keeps to any grid.
    private static final long MAX_COMPACT_BYTES = 1L << 31;

    private static final int ZERO_BYTES = 1 << 20;

    private Fallbacks() {}

    // ------------------------------------------------------------- durable writes and zeroes

    /// Whether a durable change has to be followed by a flush: the server knows no FUA.
    static boolean needsFlushAfter(IoRequest request, ExportInfo info) {
        return UnflushedWrites.durability(request) == Durability.DURABLE
                && !info.has(Nbd.FLAG_SEND_FUA)
                && info.has(Nbd.FLAG_SEND_FLUSH);
    }

    /// The same change, without the demand to be durable when it is answered.
    static IoRequest asVolatile(IoRequest change) {
        return switch (change) {
            case IoRequest.Write(IoTag tag, long offset, Buffers source, _, _) ->
                    new IoRequest.Write(tag, offset, source, Durability.VOLATILE);
            case IoRequest.Zero(
                            IoTag tag,
                            long offset,
                            long length,
                            boolean unmap,
                            boolean fast,
                            _) ->
                    new IoRequest.Zero(tag, offset, length, unmap, fast, Durability.VOLATILE);
            case IoRequest.Discard(IoTag tag, long offset, long length, _) ->
                    new IoRequest.Discard(tag, offset, length, Durability.VOLATILE);
            case IoRequest.Read _, IoRequest.Flush _, IoRequest.Prefetch _, IoRequest.Locate _ ->
                    change;
        };
    }

    /// Answers a change when the flush behind it is done.
    static Completion withFlush(NbdDevice device, IoRequest change, Completion done) {
        return new ThenFlush(device, change, done);
    }

    private record ThenFlush(NbdDevice device, IoRequest change, Completion done)
            implements Completion {
        @Override
        public void complete(IoRequest request, Outcome outcome) {
            if (!outcome.isSuccess()) {
                done.complete(change, outcome);
                return;
            }
            IoTag tag =
                    change.tag()
                            .child(
                                    device.context().ids().next(),
                                    Operation.FLUSH,
                                    Locality.REMOTE,
                                    0,
                                    0);
            IoRequest flush = new IoRequest.Flush(tag);
            device.submit(flush, Completion.of(change, flush, done));
        }

        @Override
        public boolean isAwaited() {
            return done.isAwaited();
        }
    }

    // --------------------------------------------------------------------------- long ranges

    /// Whether a range is longer than one message can tell.
    static boolean isTooLong(IoRequest request, ExportInfo info) {
        return !info.extended() && request.lengthBytes() > MAX_COMPACT_BYTES;
    }

    /// Sends a long zero or discard in parts.
    static void inParts(NbdDevice device, IoRequest request, Completion done) {
        AllOf parts = new AllOf(request, done);
        long end = request.offsetBytes() + request.lengthBytes();
        for (long at = request.offsetBytes(); at < end; at += MAX_COMPACT_BYTES) {
            long length = Math.min(MAX_COMPACT_BYTES, end - at);
            IoTag tag =
                    request.tag().child(device.context().ids().next(), Locality.REMOTE, at, length);
            parts.expectOne();
            device.submit(request.part(tag, null), parts);
        }
        parts.allSubmitted();
    }

    /// Zeroes by writing zeroes, for a server without `NBD_CMD_WRITE_ZEROES`: one stretch after the
    /// other, so that a long range does not take all of the server.
    static void writeZeroes(NbdDevice device, IoRequest.Zero zero, Completion done) {
        writeZeroesFrom(device, zero, zero.offsetBytes(), done);
    }

    private static void writeZeroesFrom(
            NbdDevice device, IoRequest.Zero zero, long at, Completion done) {
        long end = zero.offsetBytes() + zero.lengthBytes();
        if (at >= end) {
            done.complete(zero, Outcome.Done.DONE);
            return;
        }
        if (!done.isAwaited()) {
            done.complete(
                    zero,
                    Outcome.failed(DeviceFault.Kind.TIMED_OUT, device + ": zeroing was given up"));
            return;
        }
        long length = Math.min(Math.min(ZERO_BYTES, device.shape().maxTransferBytes()), end - at);
        IoTag tag =
                zero.tag()
                        .child(
                                device.context().ids().next(),
                                Operation.WRITE,
                                Locality.REMOTE,
                                at,
                                length);
        device.submit(
                new IoRequest.Write(tag, at, Zeroes.BYTES.part(0, length), zero.durability()),
                new ZeroStep(device, zero, at + length, done));
    }

    private record ZeroStep(NbdDevice device, IoRequest.Zero zero, long next, Completion done)
            implements Completion {
        @Override
        public void complete(IoRequest request, Outcome outcome) {
            if (outcome.isSuccess()) {
                writeZeroesFrom(device, zero, next, done);
            } else {
                done.complete(zero, outcome);
            }
        }

        @Override
        public boolean isAwaited() {
            return done.isAwaited();
        }
    }

    /// Zeroes to write, outside the pool and never freed; made when first needed.
    private static final class Zeroes {
        private static final Buffers BYTES =
                Buffers.outsidePool(Arena.global().allocate(ZERO_BYTES, 4096));
    }

    // -------------------------------------------------------------------------------- extents

    /// The answer of a server that does not tell where data is: everywhere.
    static Outcome allData(IoRequest.Locate locate) {
        return new Outcome.Located(List.of(new Extent(locate.lengthBytes(), Extent.Kind.DATA)));
    }

    /// Asks about the start of a long range; extents may end early.
    static void locateStart(NbdDevice device, IoRequest.Locate locate, Completion done) {
        IoRequest start =
                new IoRequest.Locate(locate.tag(), locate.offsetBytes(), MAX_COMPACT_BYTES);
        device.submit(start, Completion.of(locate, start, done));
    }
}

package org.unifiedvolume.layer;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.device.Layer;
import org.unifiedvolume.request.AllOf;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.IoRequest.Write;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Outcome;

/// Cuts reads and writes that are longer than the device below takes, so that the one above need
/// not know its limit.
///
/// The parts go down together. A transfer with a failed part fails with that part's fault.
public final class SplitLayer extends Layer {
    private final IoContext context;
    private final DeviceShape shape;
    private final long partBytes;

    private SplitLayer(BlockDevice below, IoContext context) {
        super(below);
        this.context = context;
        DeviceShape limited = below.shape();
        // Parts start where the device likes requests to start, if the limit leaves room for that.
        this.partBytes = Long.highestOneBit(limited.maxTransferBytes());
        this.shape = limited.withMaxTransfer(DeviceShape.UNLIMITED_TRANSFER_BYTES);
    }

    /// The device itself if it takes transfers of 32 MiB, or else the device behind this layer.
    public static BlockDevice over(BlockDevice below, IoContext context) {
        return below.shape().maxTransferBytes() >= DeviceShape.UNLIMITED_TRANSFER_BYTES
                ? below
                : new SplitLayer(below, context);
    }

    @Override
    public DeviceShape shape() {
        return shape;
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        boolean fits =
                switch (request) {
                    case Read _, Write _ ->
                            request.lengthBytes() <= below.shape().maxTransferBytes();
                    case IoRequest.Zero _,
                            IoRequest.Discard _,
                            IoRequest.Flush _,
                            IoRequest.Prefetch _,
                            IoRequest.Locate _ ->
                            true;
                };
        if (fits) {
            below.submit(request, done);
        } else {
            new Parts(request, done).submitAll();
        }
    }

    @Override
    public String toString() {
        return below.toString();
    }

    /// The parts of one transfer. All but the first start on a multiple of `partBytes`.
    private final class Parts extends AllOf {
        private final AtomicReferenceArray<Buffers> read;
        private final long firstPart;

        Parts(IoRequest parent, Completion done) {
            super(parent, done);
            firstPart = parent.offsetBytes() / partBytes;
            long lastPart = (parent.offsetBytes() + parent.lengthBytes() - 1) / partBytes;
            read = new AtomicReferenceArray<>((int) (lastPart - firstPart + 1));
        }

        void submitAll() {
            long at = parent().offsetBytes();
            long end = at + parent().lengthBytes();
            while (at < end) {
                long length = Math.min(end, (at / partBytes + 1) * partBytes) - at;
                expectOne();
                below.submit(part(at, length), this);
                at += length;
            }
            allSubmitted();
        }

        private IoRequest part(long offset, long length) {
            IoTag whole = parent().tag();
            Locality where = below.locality(whole.operation(), offset, length);
            IoTag tag = whole.child(context.ids().next(), where, offset, length);
            Buffers source =
                    parent() instanceof Write write
                            ? write.source().part(offset - write.offsetBytes(), length)
                            : null;
            return parent().part(tag, source);
        }

        @Override
        protected void childEnded(IoRequest request, Outcome outcome) {
            switch (outcome) {
                case Outcome.Data(Buffers buffers) ->
                        read.set((int) (request.offsetBytes() / partBytes - firstPart), buffers);
                case Outcome.Failed _ -> super.childEnded(request, outcome);
                case Outcome.InFile _ ->
                        throw new AssertionError("the parts of a read are wanted in memory");
                case Outcome.Done _, Outcome.Located _ -> {}
            }
        }

        @Override
        protected Outcome success() {
            if (parent() instanceof Write) {
                return Outcome.Done.DONE;
            }
            Buffers[] parts = new Buffers[read.length()];
            for (int i = 0; i < parts.length; i++) {
                parts[i] = read.get(i);
            }
            return new Outcome.Data(Buffers.concat(parts));
        }

        @Override
        protected Outcome failure(DeviceFault why) {
            for (int i = 0; i < read.length(); i++) {
                Buffers part = read.get(i);
                if (part != null) {
                    part.release();
                }
            }
            return super.failure(why);
        }
    }
}

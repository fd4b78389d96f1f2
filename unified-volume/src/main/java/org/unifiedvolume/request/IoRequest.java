package org.unifiedvolume.request;

import org.unifiedvolume.buffer.Buffers;

/// Everything a device can be asked to do. Ranges are whole blocks within the device.
///
/// The one who submits a [Write] keeps its source alive until the completion is told; a layer that
/// needs it longer retains it. The answer to a [Read] brings its own buffers
/// ([Outcome.Data]): the device that has the bytes chooses the memory, so that a cached block, a
/// slice of a receive buffer or a second attempt on another leg need no copy.
public sealed interface IoRequest {
    IoTag tag();

    /// Where the range starts on the device that the request is submitted to.
    long offsetBytes();

    /// How long the range is; 0 for a flush.
    long lengthBytes();

    /// The same request for a range of the same length that starts elsewhere.
    IoRequest at(long newOffsetBytes);

    /// The same request under another tag.
    IoRequest tagged(IoTag newTag);

    /// The child that does a part of this request's work. Its payload is wanted in memory, where
    /// the parts of a read are joined.
    ///
    /// @param childTag the child's tag; its range is the child's, on the device that the child is
    ///     submitted to
    /// @param source what the part writes; ignored unless this is a write
    default IoRequest part(IoTag childTag, Buffers source) {
        long offset = childTag.offsetBytes();
        long length = childTag.lengthBytes();
        return switch (this) {
            case Read _ -> new Read(childTag, offset, length);
            case Write write -> new Write(childTag, offset, source, write.durability);
            case Zero zero ->
                    new Zero(
                            childTag,
                            offset,
                            length,
                            zero.mayUnmap,
                            zero.fastOnly,
                            zero.durability);
            case Discard discard -> new Discard(childTag, offset, length, discard.durability);
            case Flush _ -> new Flush(childTag);
            case Prefetch _ -> new Prefetch(childTag, offset, length);
            case Locate _ -> new Locate(childTag, offset, length);
        };
    }

    /// Answers [Outcome.Data] with exactly the bytes of the range.
    ///
    /// @param mayRefer whether [Outcome.InFile] will do too: the one who asks only passes the bytes
    ///     on to a socket. A layer that looks at bytes asks without it
    record Read(IoTag tag, long offsetBytes, long lengthBytes, boolean mayRefer)
            implements IoRequest {
        /// A read whose bytes are wanted in memory.
        public Read(IoTag tag, long offsetBytes, long lengthBytes) {
            this(tag, offsetBytes, lengthBytes, false);
        }

        @Override
        public Read at(long newOffsetBytes) {
            return new Read(tag, newOffsetBytes, lengthBytes, mayRefer);
        }

        @Override
        public Read tagged(IoTag newTag) {
            return new Read(newTag, offsetBytes, lengthBytes, mayRefer);
        }
    }

    /// Stores `source` from `offsetBytes` on.
    ///
    /// @param mayDrain whether a `source` that lies in a pipe may be moved away from there
    ///     ([org.unifiedvolume.buffer.PipedBuffers#drainTo]): nobody looks at it once it has been
    ///     submitted, whatever the answer. A layer that looks at what it has submitted, that sends
    ///     it to several or tries again, submits it without
    record Write(
            IoTag tag, long offsetBytes, Buffers source, Durability durability, boolean mayDrain)
            implements IoRequest {
        /// A write of bytes that others may look at too.
        public Write(IoTag tag, long offsetBytes, Buffers source, Durability durability) {
            this(tag, offsetBytes, source, durability, false);
        }

        @Override
        public long lengthBytes() {
            return source.length();
        }

        @Override
        public Write at(long newOffsetBytes) {
            return new Write(tag, newOffsetBytes, source, durability, mayDrain);
        }

        @Override
        public Write tagged(IoTag newTag) {
            return new Write(newTag, offsetBytes, source, durability, mayDrain);
        }
    }

    /// Makes a range read as zeroes.
    ///
    /// @param mayUnmap whether the device may give the space back
    /// @param fastOnly whether to fail with [DeviceFault.Kind#NOT_SUPPORTED] rather than to write
    ///     zeroes byte by byte
    record Zero(
            IoTag tag,
            long offsetBytes,
            long lengthBytes,
            boolean mayUnmap,
            boolean fastOnly,
            Durability durability)
            implements IoRequest {
        @Override
        public Zero at(long newOffsetBytes) {
            return new Zero(tag, newOffsetBytes, lengthBytes, mayUnmap, fastOnly, durability);
        }

        @Override
        public Zero tagged(IoTag newTag) {
            return new Zero(newTag, offsetBytes, lengthBytes, mayUnmap, fastOnly, durability);
        }
    }

    /// Says that the content of a range is no longer needed. It reads as zeroes or as before until
    /// it is written again, block by block.
    record Discard(IoTag tag, long offsetBytes, long lengthBytes, Durability durability)
            implements IoRequest {
        @Override
        public Discard at(long newOffsetBytes) {
            return new Discard(tag, newOffsetBytes, lengthBytes, durability);
        }

        @Override
        public Discard tagged(IoTag newTag) {
            return new Discard(newTag, offsetBytes, lengthBytes, durability);
        }
    }

    /// Makes every change durable that was acknowledged, to whatever client, before the flush was
    /// submitted.
    record Flush(IoTag tag) implements IoRequest {
        @Override
        public long offsetBytes() {
            return 0;
        }

        @Override
        public long lengthBytes() {
            return 0;
        }

        @Override
        public Flush at(long newOffsetBytes) {
            return this;
        }

        @Override
        public Flush tagged(IoTag newTag) {
            return new Flush(newTag);
        }
    }

    /// Hints that the range will be read soon. Succeeds whether or not anything was fetched.
    record Prefetch(IoTag tag, long offsetBytes, long lengthBytes) implements IoRequest {
        @Override
        public Prefetch at(long newOffsetBytes) {
            return new Prefetch(tag, newOffsetBytes, lengthBytes);
        }

        @Override
        public Prefetch tagged(IoTag newTag) {
            return new Prefetch(newTag, offsetBytes, lengthBytes);
        }
    }

    /// Asks which parts of the range hold data. Answers [Outcome.Located]; the extents start at the
    /// range's start and may end before its end.
    record Locate(IoTag tag, long offsetBytes, long lengthBytes) implements IoRequest {
        @Override
        public Locate at(long newOffsetBytes) {
            return new Locate(tag, newOffsetBytes, lengthBytes);
        }

        @Override
        public Locate tagged(IoTag newTag) {
            return new Locate(newTag, offsetBytes, lengthBytes);
        }
    }
}

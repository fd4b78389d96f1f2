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
    }

    /// Stores `source` from `offsetBytes` on.
    record Write(IoTag tag, long offsetBytes, Buffers source, Durability durability)
            implements IoRequest {
        @Override
        public long lengthBytes() {
            return source.length();
        }

        @Override
        public Write at(long newOffsetBytes) {
            return new Write(tag, newOffsetBytes, source, durability);
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
    }

    /// Says that the content of a range is no longer needed. It reads as zeroes or as before until
    /// it is written again, block by block.
    record Discard(IoTag tag, long offsetBytes, long lengthBytes, Durability durability)
            implements IoRequest {
        @Override
        public Discard at(long newOffsetBytes) {
            return new Discard(tag, newOffsetBytes, lengthBytes, durability);
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
    }

    /// Hints that the range will be read soon. Succeeds whether or not anything was fetched.
    record Prefetch(IoTag tag, long offsetBytes, long lengthBytes) implements IoRequest {
        @Override
        public Prefetch at(long newOffsetBytes) {
            return new Prefetch(tag, newOffsetBytes, lengthBytes);
        }
    }

    /// Asks which parts of the range hold data. Answers [Outcome.Located]; the extents start at the
    /// range's start and may end before its end.
    record Locate(IoTag tag, long offsetBytes, long lengthBytes) implements IoRequest {
        @Override
        public Locate at(long newOffsetBytes) {
            return new Locate(tag, newOffsetBytes, lengthBytes);
        }
    }
}

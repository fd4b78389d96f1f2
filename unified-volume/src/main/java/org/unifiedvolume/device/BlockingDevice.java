package org.unifiedvolume.device;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// A device as straight-line code sees it: each call waits until it is done.
///
/// For the control path, on virtual threads; never on the threads of the data path. A transfer of
/// any length is cut into requests that the device takes. Every failure is an [IOException] with
/// the fault's message and the [DeviceFault] as its cause. Safe for concurrent callers, which it
/// does not order among themselves. Closing the device is left to its owner.
public final class BlockingDevice {
    /// The longest single request: long enough to cost little per byte, short enough to leave room
    /// in the pool for others.
    private static final long REQUEST_BYTES = 1 << 20;

    /// The longest range that is zeroed or discarded at once, so that it ends within a deadline.
    private static final long SPACE_BYTES = 1L << 30;

    private static final long MEMORY_WAIT_NANOS = 10_000_000_000L;
    private static final long MEMORY_RETRY_MILLIS = 1;

    private final BlockDevice device;
    private final IoContext context;

    public BlockingDevice(BlockDevice device, IoContext context) {
        this.device = device;
        this.context = context;
    }

    public DeviceShape shape() {
        return device.shape();
    }

    /// Fills `target` with the bytes from `offsetBytes` on.
    ///
    /// @throws IOException if the range is not in whole blocks within the device, or cannot be read
    public void read(long offsetBytes, MemorySegment target) throws IOException {
        long length = target.byteSize();
        check(Operation.READ, offsetBytes, length);
        for (long at = 0; at < length; at += requestBytes()) {
            long part = Math.min(requestBytes(), length - at);
            Outcome outcome =
                    call(
                            new IoRequest.Read(
                                    tag(Operation.READ, offsetBytes + at, part),
                                    offsetBytes + at,
                                    part));
            if (!(outcome instanceof Outcome.Data(Buffers buffers))) {
                throw new AssertionError("a read was answered with " + outcome);
            }
            try {
                buffers.copyTo(0, target, at, part);
            } finally {
                buffers.release();
            }
        }
    }

    /// The bytes of a range on the heap, for superblocks, headers and tests.
    public byte[] read(long offsetBytes, int lengthBytes) throws IOException {
        byte[] bytes = new byte[lengthBytes];
        read(offsetBytes, MemorySegment.ofArray(bytes));
        return bytes;
    }

    /// Stores `source` from `offsetBytes` on.
    ///
    /// @throws IOException if the range is not in whole blocks within the device, or a part of it
    ///     cannot be written; what was written before it stays
    public void write(long offsetBytes, MemorySegment source, Durability durability)
            throws IOException {
        long length = source.byteSize();
        check(Operation.WRITE, offsetBytes, length);
        for (long at = 0; at < length; at += requestBytes()) {
            long part = Math.min(requestBytes(), length - at);
            Buffers payload = allocate(part);
            payload.copyFrom(0, source, at, part);
            // The call takes the payload over: it may outlive this thread's interest in it.
            call(
                    new IoRequest.Write(
                            tag(Operation.WRITE, offsetBytes + at, part),
                            offsetBytes + at,
                            payload,
                            durability));
        }
    }

    /// As [#write(long, MemorySegment, Durability)], from the heap, volatile.
    public void write(long offsetBytes, byte[] source) throws IOException {
        write(offsetBytes, MemorySegment.ofArray(source), Durability.VOLATILE);
    }

    /// Makes a range read as zeroes.
    ///
    /// @param mayUnmap whether the device may give the space back
    public void zero(long offsetBytes, long lengthBytes, boolean mayUnmap) throws IOException {
        check(Operation.ZERO, offsetBytes, lengthBytes);
        for (long at = 0; at < lengthBytes; at += SPACE_BYTES) {
            long part = Math.min(SPACE_BYTES, lengthBytes - at);
            call(
                    new IoRequest.Zero(
                            tag(Operation.ZERO, offsetBytes + at, part),
                            offsetBytes + at,
                            part,
                            mayUnmap,
                            false,
                            Durability.VOLATILE));
        }
    }

    /// Says that the content of a range is no longer needed.
    public void discard(long offsetBytes, long lengthBytes) throws IOException {
        check(Operation.DISCARD, offsetBytes, lengthBytes);
        for (long at = 0; at < lengthBytes; at += SPACE_BYTES) {
            long part = Math.min(SPACE_BYTES, lengthBytes - at);
            call(
                    new IoRequest.Discard(
                            tag(Operation.DISCARD, offsetBytes + at, part),
                            offsetBytes + at,
                            part,
                            Durability.VOLATILE));
        }
    }

    /// Makes everything durable that was written before.
    public void flush() throws IOException {
        call(new IoRequest.Flush(tag(Operation.FLUSH, 0, 0)));
    }

    /// What the whole range consists of, neighbours of one kind joined.
    public List<Extent> locate(long offsetBytes, long lengthBytes) throws IOException {
        check(Operation.LOCATE, offsetBytes, lengthBytes);
        List<Extent> all = new ArrayList<>();
        long at = offsetBytes;
        long end = offsetBytes + lengthBytes;
        while (at < end) {
            Outcome outcome =
                    call(new IoRequest.Locate(tag(Operation.LOCATE, at, end - at), at, end - at));
            if (!(outcome instanceof Outcome.Located(List<Extent> extents))) {
                throw new AssertionError("a question for extents was answered with " + outcome);
            }
            for (Extent extent : extents) {
                long length = Math.min(extent.lengthBytes(), end - at);
                new Extent(length, extent.kind()).appendTo(all);
                at += length;
            }
        }
        return all;
    }

    private long requestBytes() {
        long block = shape().blockBytes();
        long most = Math.min(REQUEST_BYTES, shape().maxTransferBytes());
        return Math.max(block, most - most % block);
    }

    private void check(Operation operation, long offsetBytes, long lengthBytes) throws IOException {
        if (!shape().holds(offsetBytes, lengthBytes)) {
            throw failure(shape().outside(operation, offsetBytes, lengthBytes));
        }
        if (operation.changesData() && shape().isReadOnly()) {
            throw failure(new DeviceFault(DeviceFault.Kind.READ_ONLY, "the device is read-only"));
        }
    }

    private IoTag tag(Operation operation, long offsetBytes, long lengthBytes) {
        return new IoTag(
                context.ids().next(),
                0,
                operation,
                device.locality(operation, offsetBytes, lengthBytes),
                offsetBytes,
                lengthBytes,
                0,
                context.timers().nanoTime());
    }

    /// Payload memory; waits a bounded time for others to give some back.
    private Buffers allocate(long lengthBytes) throws IOException {
        long end = System.nanoTime() + MEMORY_WAIT_NANOS;
        while (true) {
            Buffers payload = context.pool().allocate(lengthBytes);
            if (payload != null) {
                return payload;
            }
            if (System.nanoTime() - end >= 0) {
                throw failure(
                        new DeviceFault(
                                DeviceFault.Kind.NO_MEMORY,
                                "the buffer pool has been spent for %d s"
                                        .formatted(MEMORY_WAIT_NANOS / 1_000_000_000)));
            }
            try {
                TimeUnit.MILLISECONDS.sleep(MEMORY_RETRY_MILLIS);
            } catch (InterruptedException e) {
                throw interrupted();
            }
        }
    }

    /// Submits a request and waits for its end. Takes over the caller's reference to the source of
    /// a write.
    ///
    /// @return how it ended, never with a failure
    private Outcome call(IoRequest request) throws IOException {
        Waiter waiter = new Waiter();
        device.submit(request, waiter);
        Outcome outcome = waiter.await();
        if (outcome instanceof Outcome.Failed(DeviceFault fault)) {
            throw failure(fault);
        }
        return outcome;
    }

    private static IOException failure(DeviceFault fault) {
        return new IOException(fault.getMessage(), fault);
    }

    private static IOException interrupted() {
        Thread.currentThread().interrupt();
        return new InterruptedIOException("interrupted while waiting for a device");
    }

    /// Waits for one answer. If its thread is interrupted, the answer is let go when it comes.
    private static final class Waiter implements Completion {
        private static final Outcome ABANDONED =
                Outcome.failed(DeviceFault.Kind.STOPPING, "nobody waits any more");

        private final CountDownLatch told = new CountDownLatch(1);
        private final AtomicReference<Outcome> answer = new AtomicReference<>();

        @Override
        public void complete(IoRequest request, Outcome outcome) {
            if (request instanceof IoRequest.Write write) {
                write.source().release();
            }
            if (answer.compareAndSet(null, outcome)) {
                told.countDown();
            } else {
                outcome.discard();
            }
        }

        Outcome await() throws IOException {
            try {
                told.await();
            } catch (InterruptedException e) {
                if (answer.compareAndSet(null, ABANDONED)) {
                    throw interrupted();
                }
                Thread.currentThread().interrupt();
            }
            return answer.get();
        }
    }
}

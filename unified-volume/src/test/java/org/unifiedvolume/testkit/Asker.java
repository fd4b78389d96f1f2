package org.unifiedvolume.testkit;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// Asks a device for what a test wants, as an export would: tags, pool memory, completions. Keeps
/// all completions, so that [#checkAll] can find one that was told twice.
public final class Asker {
    private final BlockDevice device;
    private final IoContext context;
    private final int client;
    private final ConcurrentLinkedQueue<Told> all = new ConcurrentLinkedQueue<>();

    public Asker(BlockDevice device, IoContext context) {
        this(device, context, 1);
    }

    /// @param client the client that the tags name
    public Asker(BlockDevice device, IoContext context, int client) {
        this.device = device;
        this.context = context;
        this.client = client;
    }

    /// A tag for a range of the device.
    public IoTag tag(Operation operation, long offset, long length) {
        return new IoTag(
                context.ids().next(),
                0,
                operation,
                device.locality(operation, offset, Math.max(1, length)),
                offset,
                length,
                client,
                context.timers().nanoTime());
    }

    public Told submit(IoRequest request) {
        Told told = new Told(request);
        all.add(told);
        device.submit(request, told);
        return told;
    }

    public Told read(long offset, long length) {
        return submit(new IoRequest.Read(tag(Operation.READ, offset, length), offset, length));
    }

    /// A write from one piece of pool memory.
    public Told write(long offset, byte[] bytes, Durability durability) {
        return write(offset, payload(bytes), durability);
    }

    /// A write of a payload; its reference is given up when the answer comes.
    public Told write(long offset, Buffers payload, Durability durability) {
        return submit(
                new IoRequest.Write(
                        tag(Operation.WRITE, offset, payload.length()),
                        offset,
                        payload,
                        durability));
    }

    public Told zero(long offset, long length, boolean mayUnmap, boolean fastOnly) {
        return submit(
                new IoRequest.Zero(
                        tag(Operation.ZERO, offset, length),
                        offset,
                        length,
                        mayUnmap,
                        fastOnly,
                        Durability.VOLATILE));
    }

    public Told discard(long offset, long length) {
        return submit(
                new IoRequest.Discard(
                        tag(Operation.DISCARD, offset, length),
                        offset,
                        length,
                        Durability.VOLATILE));
    }

    public Told flush() {
        return submit(new IoRequest.Flush(tag(Operation.FLUSH, 0, 0)));
    }

    public Told prefetch(long offset, long length) {
        return submit(
                new IoRequest.Prefetch(tag(Operation.PREFETCH, offset, length), offset, length));
    }

    public Told locate(long offset, long length) {
        return submit(new IoRequest.Locate(tag(Operation.LOCATE, offset, length), offset, length));
    }

    /// Bytes in pool memory; waits for nothing and fails if there is none.
    public Buffers payload(byte[] bytes) {
        Buffers payload = context.pool().allocate(bytes.length);
        if (payload == null) {
            throw new AssertionError("the test's pool is spent");
        }
        payload.copyFrom(0, MemorySegment.ofArray(bytes), 0, bytes.length);
        return payload;
    }

    /// Bytes in pool memory, in slices of the given length, none of them aligned.
    public Buffers scattered(byte[] bytes, int sliceBytes) {
        List<Buffers> slices = new ArrayList<>();
        for (int at = 0; at < bytes.length; at += sliceBytes) {
            int length = Math.min(sliceBytes, bytes.length - at);
            Buffers roomy = context.pool().allocate(length + 1);
            roomy.copyFrom(1, MemorySegment.ofArray(bytes), at, length);
            slices.add(roomy.part(1, length));
        }
        return Buffers.concat(slices.toArray(Buffers[]::new));
    }

    /// The bytes that a read brings, which must succeed.
    public byte[] bytes(Told read) {
        return switch (read.await()) {
            case Outcome.Data(Buffers buffers) -> {
                byte[] bytes = buffers.toBytes();
                buffers.release();
                if (bytes.length != read.submitted().lengthBytes()) {
                    throw new AssertionError(
                            "%d bytes instead of %d for %s"
                                    .formatted(
                                            bytes.length,
                                            read.submitted().lengthBytes(),
                                            read.submitted()));
                }
                yield bytes;
            }
            case Outcome other ->
                    throw new AssertionError(read.submitted() + " was answered " + other);
        };
    }

    /// Waits for a request that must succeed without bringing anything.
    public void done(Told told) {
        Outcome outcome = told.await();
        if (outcome instanceof Outcome.Failed(DeviceFault fault)) {
            throw new AssertionError(told.submitted() + " failed: " + fault.getMessage(), fault);
        }
        if (!(outcome instanceof Outcome.Done)) {
            throw new AssertionError(told.submitted() + " was answered " + outcome);
        }
    }

    /// Waits for a request that must fail.
    public DeviceFault fault(Told told) {
        Outcome outcome = told.await();
        if (outcome instanceof Outcome.Failed(DeviceFault fault)) {
            return fault;
        }
        outcome.discard();
        throw new AssertionError(told.submitted() + " was answered " + outcome);
    }

    /// The extents that a question brings.
    public List<Extent> extents(Told told) {
        if (told.await() instanceof Outcome.Located(List<Extent> extents)) {
            return extents;
        }
        throw new AssertionError(told.submitted() + " was not answered with extents");
    }

    /// Fails if any request so far was answered more or less often than once.
    public void checkAll() {
        for (Told told : all) {
            told.check();
            if (!told.isTold()) {
                throw new AssertionError("never answered: " + told.submitted());
            }
        }
    }
}

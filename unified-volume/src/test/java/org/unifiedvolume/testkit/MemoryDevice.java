package org.unifiedvolume.testkit;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Discard;
import org.unifiedvolume.request.IoRequest.Flush;
import org.unifiedvolume.request.IoRequest.Locate;
import org.unifiedvolume.request.IoRequest.Prefetch;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.IoRequest.Write;
import org.unifiedvolume.request.IoRequest.Zero;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// A device in memory that answers at once and never fails: the simplest one that keeps the
/// contract. Keeps a list of what it was asked.
public final class MemoryDevice implements BlockDevice {
    private final DeviceShape shape;
    private final Locality locality;
    private final IoContext context;
    private final MemorySegment content;
    private final List<IoRequest> asked = new ArrayList<>();
    private boolean closed;

    public MemoryDevice(long sizeBytes, Locality locality, IoContext context) {
        this(DeviceShape.ofMemory(sizeBytes), locality, context);
    }

    public MemoryDevice(DeviceShape shape, Locality locality, IoContext context) {
        this.shape = shape;
        this.locality = locality;
        this.context = context;
        this.content = Arena.ofAuto().allocate(Math.max(1, shape.sizeBytes()));
    }

    /// The content itself.
    public MemorySegment content() {
        return content;
    }

    /// What the device was asked, in order.
    public synchronized List<IoRequest> asked() {
        return List.copyOf(asked);
    }

    public boolean isClosed() {
        return closed;
    }

    @Override
    public DeviceShape shape() {
        return shape;
    }

    @Override
    public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
        return locality;
    }

    @Override
    public DeviceStatus status() {
        return DeviceStatus.online(
                "memory", "memory", Instant.EPOCH, locality, shape.sizeBytes(), List.of());
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        synchronized (this) {
            asked.add(request);
        }
        done.complete(request, carryOut(request));
    }

    private Outcome carryOut(IoRequest request) {
        if (!shape.holds(request.offsetBytes(), request.lengthBytes())) {
            throw new AssertionError("a request outside the device reached it: " + request);
        }
        return switch (request) {
            case Read read -> {
                Buffers target = context.pool().allocate(read.lengthBytes());
                target.copyFrom(0, content, read.offsetBytes(), read.lengthBytes());
                yield new Outcome.Data(target);
            }
            case Write write -> {
                write.source().copyTo(0, content, write.offsetBytes(), write.lengthBytes());
                yield Outcome.Done.DONE;
            }
            case Zero zero -> clear(zero.offsetBytes(), zero.lengthBytes());
            case Discard discard -> clear(discard.offsetBytes(), discard.lengthBytes());
            case Flush _, Prefetch _ -> Outcome.Done.DONE;
            case Locate locate ->
                    new Outcome.Located(
                            List.of(new Extent(locate.lengthBytes(), Extent.Kind.DATA)));
        };
    }

    private Outcome clear(long offset, long length) {
        content.asSlice(offset, length).fill((byte) 0);
        return Outcome.Done.DONE;
    }

    @Override
    public void close() {
        closed = true;
    }
}

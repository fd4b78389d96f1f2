package org.unifiedvolume.raid;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.device.Timers;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.request.RequestIds;
import org.unifiedvolume.spi.LayoutContext;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.stack.OrderPolicy.Named;
import org.unifiedvolume.stack.StackOptions;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.VirtualTime;
import org.unifiedvolume.trace.Tracer;
import org.unifiedvolume.volume.Lanes;
import org.unifiedvolume.volume.Member;

/// What tests of arrays need: a pool that is checked for leaks, virtual time, members over devices
/// in memory, and requests with tags as a volume gives them.
public final class Rig implements AutoCloseable {
    private static final long POOL_BYTES = 8 << 20;

    public final VirtualTime time = new VirtualTime();

    /// What devices of the process that runs now get.
    public IoContext io;
    public final Lanes lanes = new Lanes();
    private final Tracer tracer = new Tracer(time);
    private final boolean traced;
    private int members;

    public Rig() {
        this(true);
    }

    /// @param traced whether a leak is reported with the place of its allocation; slow
    public Rig(boolean traced) {
        this.traced = traced;
        io = new IoContext(new BufferPool(POOL_BYTES, traced), time, new RequestIds());
    }

    /// A new process begins, with memory and timers of its own.
    ///
    /// @param wasKilled whether the one before was, so that it could not give its memory back
    public void startProcess(Timers timers, boolean wasKilled) {
        if (wasKilled) {
            io.pool().abandon();
        } else {
            checkLeaks();
            io.pool().close();
        }
        io = new IoContext(new BufferPool(POOL_BYTES, traced), timers, io.ids());
    }

    /// A layout context without a folder: for arrays that keep no record.
    public LayoutContext context() {
        return new LayoutContext("v", Path.of("/nonexistent"), io);
    }

    /// A member over any device.
    public LayoutMember member(String name, BlockDevice device, long deadlineNanos) {
        Locality where = device.locality(Operation.READ, 0, 0);
        StackOptions options = StackOptions.ofMember(Named.FIFO, 64, deadlineNanos);
        return LayoutMember.of(new Member(name, where, device, options, io, lanes, tracer));
    }

    public MemoryDevice memory(long sizeBytes, Locality where) {
        return new MemoryDevice(DeviceShape.ofMemory(sizeBytes), where, io);
    }

    /// Members over the given devices: `m0`, `m1` …
    public List<LayoutMember> members(List<? extends BlockDevice> devices) {
        List<LayoutMember> all = new ArrayList<>();
        for (BlockDevice device : devices) {
            all.add(member("m" + members++, device, 0));
        }
        return all;
    }

    public IoTag tag(BlockDevice device, Operation operation, long offset, long length) {
        return new IoTag(
                io.ids().next(),
                0,
                operation,
                device.locality(operation, offset, length),
                offset,
                length,
                1,
                time.nanoTime());
    }

    /// Carries out a request on a device and runs time until it is answered.
    public Outcome call(BlockDevice device, IoRequest request) {
        List<Outcome> answers = new ArrayList<>();
        device.submit(request, (_, outcome) -> answers.add(outcome));
        while (answers.isEmpty() && time.step()) {
            // each step does the work
        }
        if (answers.size() != 1) {
            throw new AssertionError(request + " was answered " + answers.size() + " times");
        }
        return answers.getFirst();
    }

    public byte[] read(BlockDevice device, long offset, int length) {
        IoTag tag = tag(device, Operation.READ, offset, length);
        return switch (call(device, new IoRequest.Read(tag, offset, length))) {
            case Outcome.Data(Buffers buffers) -> {
                byte[] bytes = buffers.toBytes();
                buffers.release();
                yield bytes;
            }
            case Outcome other -> throw new AssertionError("a read answered " + other);
        };
    }

    public IoRequest.Write writeOf(BlockDevice device, long offset, byte[] bytes) {
        // In two slices where possible, as payloads from sockets come.
        int half = bytes.length / 2;
        Buffers first = outside(bytes, 0, half);
        Buffers second = outside(bytes, half, bytes.length - half);
        Buffers source = half == 0 ? second : Buffers.concat(first, second);
        IoTag tag = tag(device, Operation.WRITE, offset, bytes.length);
        return new IoRequest.Write(tag, offset, source, Durability.VOLATILE);
    }

    private static Buffers outside(byte[] bytes, int from, int length) {
        byte[] copy = new byte[length];
        System.arraycopy(bytes, from, copy, 0, length);
        return Buffers.outsidePool(MemorySegment.ofArray(copy));
    }

    public Outcome write(BlockDevice device, long offset, byte[] bytes) {
        return call(device, writeOf(device, offset, bytes));
    }

    public Outcome zero(BlockDevice device, long offset, long length) {
        IoTag tag = tag(device, Operation.ZERO, offset, length);
        return call(
                device, new IoRequest.Zero(tag, offset, length, true, false, Durability.VOLATILE));
    }

    public Outcome flush(BlockDevice device) {
        return call(device, new IoRequest.Flush(tag(device, Operation.FLUSH, 0, 0)));
    }

    public static byte[] contentOf(MemoryDevice device) {
        return device.content()
                .asSlice(0, device.shape().sizeBytes())
                .toArray(ValueLayout.JAVA_BYTE);
    }

    /// Fails if a payload was not released.
    @Override
    public void close() {
        checkLeaks();
        io.pool().close();
    }

    private void checkLeaks() {
        if (io.pool().outstandingBytes() != 0) {
            AssertionError leak =
                    new AssertionError(io.pool().outstandingBytes() + " bytes were not released");
            io.pool().leaks().forEach(leak::addSuppressed);
            throw leak;
        }
    }
}

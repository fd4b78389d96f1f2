package org.unifiedvolume.raid.redundant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.buffer.Slice;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.raid.badblock.BadBlockLayer;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// The legs as code that waits sees them. Only for control threads.
///
/// Offsets are rows unless a method says that it is about a whole member.
public final class BlockingLegs {
    private static final int MAX_MEMORY_WAITS = 100;
    private static final long MEMORY_WAIT_NANOS = 100_000_000L;

    private final IoContext io;
    private final ControlThreads threads;

    public BlockingLegs(IoContext io, ControlThreads threads) {
        this.io = io;
        this.threads = threads;
    }

    public ControlThreads threads() {
        return threads;
    }

    public IoContext io() {
        return io;
    }

    /// The bytes of some rows; the caller releases them. Waits while memory is short, as clients
    /// come first.
    public Buffers read(Leg leg, long row, long length) throws DeviceFault, InterruptedException {
        return readMember(leg.device(), leg.member().dataOffsetBytes() + row, length);
    }

    /// Whether some rows that were read just now are known to have no checksums yet.
    public boolean isUnproven(Leg leg, long row, long length) {
        return leg.hasChecksums()
                && leg.member()
                        .integrity()
                        .isKnownUnproven(leg.member().dataOffsetBytes() + row, length);
    }

    /// Whether bytes are what was written to some rows of a leg last, by its checksums; for bytes
    /// that others were read for.
    public boolean areRight(Leg leg, long row, Buffers bytes)
            throws DeviceFault, InterruptedException {
        boolean[] answer = new boolean[1];
        DeviceFault fault =
                ask(
                        told ->
                                leg.member()
                                        .integrity()
                                        .compare(
                                                leg.member().dataOffsetBytes() + row,
                                                bytes,
                                                (areRight, why) -> {
                                                    answer[0] = areRight;
                                                    told.accept(why);
                                                }));
        if (fault != null) {
            throw fault;
        }
        return answer[0];
    }

    /// As [#read], whatever the checksums of the rows say. What is lost is not there.
    public Buffers readUnproven(Leg leg, long row, long length)
            throws DeviceFault, InterruptedException {
        if (leg.isLost(row, length)) {
            return read(leg, row, length);
        }
        return readMember(
                leg.member().opened().device(), leg.member().dataOffsetBytes() + row, length);
    }

    /// As [#read], at an offset within a member.
    public Buffers readMember(BlockDevice member, long offset, long length)
            throws DeviceFault, InterruptedException {
        for (int waits = 0; ; waits++) {
            IoTag tag = tag(Operation.READ, member, offset, length);
            try {
                return switch (call(member, new IoRequest.Read(tag, offset, length))) {
                    case Outcome.Data(Buffers buffers) -> buffers;
                    case Outcome other -> throw unexpected(other);
                };
            } catch (DeviceFault fault) {
                waitForMemory(fault, waits);
            }
        }
    }

    private void waitForMemory(DeviceFault fault, int waits)
            throws DeviceFault, InterruptedException {
        if (fault.kind() != DeviceFault.Kind.NO_MEMORY || waits == MAX_MEMORY_WAITS) {
            throw fault;
        }
        sleep(MEMORY_WAIT_NANOS);
    }

    /// Memory for a payload; the caller releases it. Waits while memory is short.
    public Buffers allocate(long length) throws DeviceFault, InterruptedException {
        for (int waits = 0; ; waits++) {
            Buffers memory = io.pool().allocate(length);
            if (memory != null) {
                return memory;
            }
            waitForMemory(
                    new DeviceFault(DeviceFault.Kind.NO_MEMORY, "the buffer pool is spent"), waits);
        }
    }

    public void write(Leg leg, long row, Buffers source) throws DeviceFault, InterruptedException {
        writeMember(
                leg.device(), leg.member().dataOffsetBytes() + row, source, Durability.VOLATILE);
    }

    /// As [#write], at an offset within a member.
    public void writeMember(BlockDevice member, long offset, Buffers source, Durability durability)
            throws DeviceFault, InterruptedException {
        IoTag tag = tag(Operation.WRITE, member, offset, source.length());
        call(member, new IoRequest.Write(tag, offset, source, durability));
    }

    public void zero(Leg leg, long row, long length) throws DeviceFault, InterruptedException {
        zeroMember(leg.device(), leg.member().dataOffsetBytes() + row, length);
    }

    /// As [#zero], at an offset within a member.
    public void zeroMember(BlockDevice member, long offset, long length)
            throws DeviceFault, InterruptedException {
        IoTag tag = tag(Operation.ZERO, member, offset, length);
        call(member, new IoRequest.Zero(tag, offset, length, true, false, Durability.VOLATILE));
    }

    /// From now on some rows of a leg are lost; on disk when this returns. They are held.
    ///
    /// @throws DeviceFault if that cannot be written down
    void markLost(Leg leg, long row, long length) throws DeviceFault, InterruptedException {
        BadBlockLayer layer = leg.member().badBlocks();
        if (layer == null) {
            throw new DeviceFault(DeviceFault.Kind.IO, leg.name() + " has no list of what is lost");
        }
        DeviceFault fault = ask(told -> layer.markLost(row, length, told));
        if (fault != null) {
            throw fault;
        }
    }

    public void flush(Leg leg) throws DeviceFault, InterruptedException {
        flush(leg.device());
    }

    public void flush(BlockDevice member) throws DeviceFault, InterruptedException {
        call(member, new IoRequest.Flush(tag(Operation.FLUSH, member, 0, 0)));
    }

    /// Whether some rows of a leg are known to read as zeroes.
    public boolean isZero(Leg leg, long row, long length) throws DeviceFault, InterruptedException {
        return leg.device().shape().can(Ability.LOCATE)
                && zeroRun(leg.device(), leg.member().dataOffsetBytes() + row, length) == length;
    }

    /// How many bytes from an offset within a member on are known to read as zeroes, at most
    /// `length`.
    public long zeroRun(BlockDevice member, long offset, long length)
            throws DeviceFault, InterruptedException {
        IoTag tag = tag(Operation.LOCATE, member, offset, length);
        return switch (call(member, new IoRequest.Locate(tag, offset, length))) {
            case Outcome.Located(var extents) -> {
                long run = 0;
                for (var extent : extents) {
                    if (!extent.kind().readsZero()) {
                        break;
                    }
                    run += extent.lengthBytes();
                }
                yield Math.min(run, length);
            }
            case Outcome other -> throw unexpected(other);
        };
    }

    /// Waits until rows are held. Whoever stops waiting gives them up.
    public void hold(RangeLocks locks, Held held) throws InterruptedException {
        boolean isHeld = false;
        try {
            threads.await(
                    done -> {
                        held.locks = locks;
                        held.told = done;
                        locks.acquire(held);
                    });
            isHeld = true;
        } finally {
            if (!isHeld) {
                held.abandon();
            }
        }
    }

    /// Waits until rows are held, but only so long: then they are still asked for.
    ///
    /// @return whether they are held
    public boolean holdWithin(long nanos, RangeLocks locks, Held held) throws InterruptedException {
        threads.await(
                done -> {
                    held.locks = locks;
                    held.told = done;
                    io.timers().after(nanos, done);
                    locks.acquire(held);
                });
        return held.isGranted();
    }

    /// Asks for something and waits until it says how it ended.
    ///
    /// @param asked is given whom to tell, why it failed or null, once
    /// @return why it failed; null if it did not
    public DeviceFault ask(Consumer<Consumer<DeviceFault>> asked) throws InterruptedException {
        DeviceFault[] failed = new DeviceFault[1];
        threads.await(
                done ->
                        asked.accept(
                                fault -> {
                                    failed[0] = fault;
                                    done.run();
                                }));
        return failed[0];
    }

    public void sleep(long nanos) throws InterruptedException {
        threads.await(done -> io.timers().after(nanos, done));
    }

    /// Rows that a control thread holds.
    public static final class Held extends RangeLocks.Hold {
        private enum Stage {
            WAITS,
            IS_HELD,
            IS_ABANDONED
        }

        private final AtomicReference<Stage> stage = new AtomicReference<>(Stage.WAITS);
        private RangeLocks locks;
        private Runnable told;

        public Held(long row, long lengthBytes) {
            super(row, lengthBytes);
        }

        public boolean isGranted() {
            return stage.get() == Stage.IS_HELD;
        }

        @Override
        protected void granted() {
            if (stage.compareAndSet(Stage.WAITS, Stage.IS_HELD)) {
                told.run();
            } else {
                locks.release(this);
            }
        }

        /// Gives rows up that are held, or asked for.
        void abandon() {
            if (!stage.compareAndSet(Stage.WAITS, Stage.IS_ABANDONED)) {
                locks.release(this);
            }
        }
    }

    /// Whether two payloads of one length hold the same bytes.
    public static boolean sameBytes(Buffers one, Buffers other) {
        long at = 0;
        int i = 0;
        int j = 0;
        long inOne = 0;
        long inOther = 0;
        while (at < one.length()) {
            Slice a = one.slice(i);
            Slice b = other.slice(j);
            long count = Math.min(a.length() - inOne, b.length() - inOther);
            if (MemorySegment.mismatch(
                            a.block().memory(),
                            a.offset() + inOne,
                            a.offset() + inOne + count,
                            b.block().memory(),
                            b.offset() + inOther,
                            b.offset() + inOther + count)
                    >= 0) {
                return false;
            }
            at += count;
            inOne += count;
            inOther += count;
            if (inOne == a.length()) {
                i++;
                inOne = 0;
            }
            if (inOther == b.length()) {
                j++;
                inOther = 0;
            }
        }
        return true;
    }

    /// Whether a payload is all zeroes.
    public static boolean isZero(Buffers bytes) {
        for (int i = 0; i < bytes.sliceCount(); i++) {
            Slice slice = bytes.slice(i);
            MemorySegment memory = slice.block().memory().asSlice(slice.offset(), slice.length());
            long at = 0;
            for (; at + Long.BYTES <= slice.length(); at += Long.BYTES) {
                if (memory.get(ValueLayout.JAVA_LONG_UNALIGNED, at) != 0) {
                    return false;
                }
            }
            for (; at < slice.length(); at++) {
                if (memory.get(ValueLayout.JAVA_BYTE, at) != 0) {
                    return false;
                }
            }
        }
        return true;
    }

    /// A leg whose member was taken out by hand has none: a job that is cancelled, and has not
    /// looked since, finds that out here.
    private IoTag tag(Operation operation, BlockDevice member, long offset, long length)
            throws DeviceFault {
        if (member == null) {
            throw new DeviceFault(DeviceFault.Kind.DISCONNECTED, "the leg has no member any more");
        }
        long now = io.timers().nanoTime();
        return new IoTag(
                io.ids().next(),
                0,
                operation,
                member.locality(operation, offset, length),
                offset,
                length,
                0,
                now);
    }

    private Outcome call(BlockDevice device, IoRequest request)
            throws DeviceFault, InterruptedException {
        Waiter waiter = new Waiter();
        boolean ended = false;
        try {
            threads.await(
                    done ->
                            device.submit(
                                    request,
                                    (_, outcome) -> {
                                        waiter.answer(outcome);
                                        done.run();
                                    }));
            ended = true;
        } finally {
            if (!ended) {
                waiter.abandon();
            }
        }
        if (waiter.outcome instanceof Outcome.Failed(DeviceFault fault)) {
            throw fault;
        }
        return waiter.outcome;
    }

    /// Takes one answer. If nobody waits any more, it is let go when it comes.
    private static final class Waiter {
        private Outcome outcome;
        private boolean abandoned;

        synchronized void answer(Outcome answer) {
            outcome = answer;
            if (abandoned) {
                answer.discard();
            }
        }

        synchronized void abandon() {
            abandoned = true;
            if (outcome != null) {
                outcome.discard();
            }
        }
    }

    private static AssertionError unexpected(Outcome outcome) {
        return new AssertionError("a device answered " + outcome);
    }
}

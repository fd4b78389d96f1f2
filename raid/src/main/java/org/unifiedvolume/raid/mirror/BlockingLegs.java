package org.unifiedvolume.raid.mirror;

import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// The legs as code that waits sees them. Only for control threads.
final class BlockingLegs {
    private final IoContext io;
    private final ControlThreads threads;

    BlockingLegs(IoContext io, ControlThreads threads) {
        this.io = io;
        this.threads = threads;
    }

    ControlThreads threads() {
        return threads;
    }

    /// The bytes of a range; the caller releases them.
    Buffers read(Leg leg, long offset, long length) throws DeviceFault, InterruptedException {
        IoTag tag = tag(Operation.READ, leg.locality(), offset, length);
        return switch (call(leg.device(), new IoRequest.Read(tag, offset, length))) {
            case Outcome.Data(Buffers buffers) -> buffers;
            case Outcome other -> throw unexpected(other);
        };
    }

    void write(Leg leg, long offset, Buffers source) throws DeviceFault, InterruptedException {
        IoTag tag = tag(Operation.WRITE, leg.locality(), offset, source.length());
        call(leg.device(), new IoRequest.Write(tag, offset, source, Durability.VOLATILE));
    }

    void zero(Leg leg, long offset, long length) throws DeviceFault, InterruptedException {
        IoTag tag = tag(Operation.ZERO, leg.locality(), offset, length);
        call(
                leg.device(),
                new IoRequest.Zero(tag, offset, length, true, false, Durability.VOLATILE));
    }

    void flush(Leg leg) throws DeviceFault, InterruptedException {
        call(leg.device(), new IoRequest.Flush(tag(Operation.FLUSH, leg.locality(), 0, 0)));
    }

    /// How many bytes from `offset` on are known to read as zeroes, at most `length`.
    long zeroRun(Leg leg, long offset, long length) throws DeviceFault, InterruptedException {
        IoTag tag = tag(Operation.LOCATE, leg.locality(), offset, length);
        return switch (call(leg.device(), new IoRequest.Locate(tag, offset, length))) {
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

    /// Waits until a range is held.
    void hold(RangeLocks locks, Held held) throws InterruptedException {
        threads.await(
                done -> {
                    held.told = done;
                    locks.acquire(held);
                });
    }

    /// Waits until a range is held, but only so long: then it is still asked for.
    ///
    /// @return whether it is held
    boolean holdWithin(long nanos, RangeLocks locks, Held held) throws InterruptedException {
        threads.await(
                done -> {
                    held.told = done;
                    io.timers().after(nanos, done);
                    locks.acquire(held);
                });
        return held.isGranted();
    }

    void sleep(long nanos) throws InterruptedException {
        threads.await(done -> io.timers().after(nanos, done));
    }

    /// A range that a control thread holds.
    static final class Held extends RangeLocks.Hold {
        private Runnable told;
        private volatile boolean granted;

        Held(long offsetBytes, long lengthBytes) {
            super(offsetBytes, lengthBytes);
        }

        boolean isGranted() {
            return granted;
        }

        @Override
        void granted() {
            granted = true;
            told.run();
        }
    }

    private IoTag tag(Operation operation, Locality where, long offset, long length) {
        long now = io.timers().nanoTime();
        return new IoTag(io.ids().next(), 0, operation, where, offset, length, 0, now);
    }

    private Outcome call(BlockDevice device, IoRequest request)
            throws DeviceFault, InterruptedException {
        Outcome[] answer = new Outcome[1];
        threads.await(
                done ->
                        device.submit(
                                request,
                                (_, outcome) -> {
                                    answer[0] = outcome;
                                    done.run();
                                }));
        if (answer[0] instanceof Outcome.Failed(DeviceFault fault)) {
            throw fault;
        }
        return answer[0];
    }

    private static AssertionError unexpected(Outcome outcome) {
        return new AssertionError("a device answered " + outcome);
    }
}

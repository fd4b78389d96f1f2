package org.unifiedvolume.raid.spread;

import java.util.concurrent.atomic.AtomicLong;
import org.unifiedvolume.buffer.FileRange;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.linux.SharedDescriptor;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// A way that requests take through an array, as long as it has one shape; counts those on it.
///
/// A read that was answered with a part of a file is on its way until the bytes have been sent:
/// until then they must stay where they are.
final class Way {
    /// Is told of each request that failed, on whatever thread answers it.
    interface FailureListener {
        void failed(DeviceFault fault);
    }

    private final BlockDevice device;
    private final FailureListener failures;
    private final AtomicLong underWay = new AtomicLong();

    /// Set once no more requests enter.
    private volatile Runnable whenEmpty;

    Way(BlockDevice device, FailureListener failures) {
        this.device = device;
        this.failures = failures;
    }

    BlockDevice device() {
        return device;
    }

    /// One more request is about to take this way.
    void enter() {
        underWay.incrementAndGet();
    }

    void leave() {
        if (underWay.decrementAndGet() == 0) {
            Runnable told = whenEmpty;
            if (told != null) {
                told.run();
            }
        }
    }

    /// A request that has entered goes on.
    void submit(IoRequest request, Completion done) {
        device.submit(request, new Leaving(this, done));
    }

    boolean isEmpty() {
        return underWay.get() == 0;
    }

    /// Tells when no request is on it any more; whoever enters from now on leaves at once.
    ///
    /// @param told once or more, perhaps before this returns
    void whenEmpty(Runnable told) {
        whenEmpty = told;
        if (underWay.get() == 0) {
            told.run();
        }
    }

    private record Leaving(Way way, Completion done) implements Completion {
        @Override
        public void complete(IoRequest request, Outcome outcome) {
            switch (outcome) {
                case Outcome.InFile(FileRange range) -> {
                    done.complete(request, new Outcome.InFile(lent(range)));
                    return;
                }
                case Outcome.Failed(DeviceFault fault) -> way.failures.failed(fault);
                case Outcome.Done _, Outcome.Data _, Outcome.Located _ -> {
                    // it leaves now
                }
            }
            way.leave();
            done.complete(request, outcome);
        }

        private FileRange lent(FileRange range) {
            return new FileRange(
                    SharedDescriptor.lent(range.file(), way::leave),
                    range.offsetBytes(),
                    range.lengthBytes());
        }

        @Override
        public boolean isAwaited() {
            return done.isAwaited();
        }
    }
}

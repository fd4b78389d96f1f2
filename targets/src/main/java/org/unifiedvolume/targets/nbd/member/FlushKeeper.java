package org.unifiedvolume.targets.nbd.member;

import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// Keeps the log of unflushed changes short, by flushes on the device's own account: a second after
/// a change, or as soon as the log is half full.
///
/// Safe for concurrent use.
final class FlushKeeper {
    private static final Logger LOG = LoggerFactory.getLogger(FlushKeeper.class);

    /// How long a change may stay unflushed at the server before the device flushes on its own.
    private static final long FLUSH_AFTER_NANOS = 1_000_000_000L;

    private final NbdDevice device;
    private final AtomicBoolean underWay = new AtomicBoolean();

    FlushKeeper(NbdDevice device) {
        this.device = device;
    }

    /// A change has been acknowledged by the server.
    void acknowledged(IoRequest change) {
        if (device.unflushed().add(change)) {
            device.context().timers().after(FLUSH_AFTER_NANOS, this::flushSoon);
        }
        if (device.unflushed().wantsFlush()) {
            flushSoon();
        }
    }

    /// Flushes now, unless such a flush is under way or the log is empty.
    void flushSoon() {
        if (device.unflushed().isEmpty() || !underWay.compareAndSet(false, true)) {
            return;
        }
        if (!device.started()) {
            underWay.set(false);
            return;
        }
        long now = device.context().timers().nanoTime();
        IoTag tag =
                new IoTag(
                        device.context().ids().next(),
                        0,
                        Operation.FLUSH,
                        Locality.REMOTE,
                        0,
                        0,
                        0,
                        now);
        device.dispatch(
                new Pending(new IoRequest.Flush(tag), (_, outcome) -> ended(outcome), now, false));
    }

    private void ended(Outcome outcome) {
        underWay.set(false);
        if (outcome instanceof Outcome.Failed(DeviceFault fault)) {
            LOG.warn("{}: flushing failed: {}", device, fault.getMessage());
        }
        if (!device.unflushed().isEmpty()) {
            device.context().timers().after(FLUSH_AFTER_NANOS, this::flushSoon);
        }
    }
}

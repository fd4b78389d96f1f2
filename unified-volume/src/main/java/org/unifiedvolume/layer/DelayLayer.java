package org.unifiedvolume.layer;

import java.util.function.ToLongFunction;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.Timers;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;

/// Makes the device below slow: requests reach it late, and its answers come late.
///
/// With delays that differ from request to request, requests overtake each other, as they do on
/// real disks and networks. Requests that wait here when the layer is closed reach the closed
/// device below, which answers them.
public final class DelayLayer implements BlockDevice {
    private final BlockDevice below;
    private final Timers timers;
    private final ToLongFunction<IoRequest> beforeNanos;
    private final ToLongFunction<IoRequest> afterNanos;

    /// @param beforeNanos how long each request waits before the device below gets it
    /// @param afterNanos how long its answer waits; both may be 0 for not at all
    public DelayLayer(
            BlockDevice below,
            Timers timers,
            ToLongFunction<IoRequest> beforeNanos,
            ToLongFunction<IoRequest> afterNanos) {
        this.below = below;
        this.timers = timers;
        this.beforeNanos = beforeNanos;
        this.afterNanos = afterNanos;
    }

    @Override
    public DeviceShape shape() {
        return below.shape();
    }

    @Override
    public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
        return below.locality(operation, offsetBytes, lengthBytes);
    }

    @Override
    public long localityRun(long offsetBytes) {
        return below.localityRun(offsetBytes);
    }

    @Override
    public DeviceStatus status() {
        return below.status();
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        long after = afterNanos.applyAsLong(request);
        Completion told =
                after <= 0
                        ? done
                        : (answered, outcome) ->
                                timers.after(after, () -> done.complete(answered, outcome));
        long before = beforeNanos.applyAsLong(request);
        if (before <= 0) {
            below.submit(request, told);
        } else {
            timers.after(before, () -> below.submit(request, told));
        }
    }

    @Override
    public void close() {
        below.close();
    }
}

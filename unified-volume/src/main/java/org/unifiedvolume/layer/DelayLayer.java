package org.unifiedvolume.layer;

import java.util.function.ToLongFunction;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.Layer;
import org.unifiedvolume.device.Timers;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;

/// Makes the device below slow: requests reach it late, and its answers come late.
///
/// With delays that differ from request to request, requests overtake each other, as they do on
/// real disks and networks. Requests that wait here when the layer is closed reach the closed
/// device below, which answers them.
public final class DelayLayer extends Layer {
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
        super(below);
        this.timers = timers;
        this.beforeNanos = beforeNanos;
        this.afterNanos = afterNanos;
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
}

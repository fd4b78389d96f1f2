package org.unifiedvolume.fuse;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.Layer;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// A device that answers as a test says, or not before a test says; the rest goes to the device
/// below.
final class ScriptedDevice extends Layer {
    private record Held(IoRequest request, Completion done) {}

    private final List<Held> held = new ArrayList<>();

    /// What to answer; null to leave it to the device below.
    volatile Function<IoRequest, Outcome> answer = _ -> null;

    /// Whether requests wait for [#letGo].
    volatile boolean holding;

    ScriptedDevice(BlockDevice below) {
        super(below);
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        if (holding) {
            synchronized (held) {
                held.add(new Held(request, done));
            }
            return;
        }
        Outcome outcome = answer.apply(request);
        if (outcome == null) {
            below.submit(request, done);
        } else {
            done.complete(request, outcome);
        }
    }

    int heldCount() {
        synchronized (held) {
            return held.size();
        }
    }

    /// Hands what waits to the device below, on the calling thread, and holds nothing any more.
    void letGo() {
        holding = false;
        List<Held> all;
        synchronized (held) {
            all = List.copyOf(held);
            held.clear();
        }
        all.forEach(one -> below.submit(one.request(), one.done()));
    }
}

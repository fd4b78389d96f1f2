package org.unifiedvolume.raid.redundant;

import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.Layer;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// A device that fails or holds back what a test names.
final class FaultyDevice extends Layer {
    private final List<Runnable> held = new ArrayList<>();
    private final List<Operation> failing = new ArrayList<>();
    private DeviceFault.Kind kind = DeviceFault.Kind.IO;
    private boolean holds;
    private int asked;

    FaultyDevice(BlockDevice below) {
        super(below);
    }

    /// From now on these operations fail.
    void fail(DeviceFault.Kind newKind, Operation... operations) {
        kind = newKind;
        failing.clear();
        failing.addAll(List.of(operations));
    }

    /// From now on nothing is answered until [#letGo].
    void hold() {
        holds = true;
    }

    void letGo() {
        holds = false;
        List<Runnable> late = List.copyOf(held);
        held.clear();
        late.forEach(Runnable::run);
    }

    int heldCount() {
        return held.size();
    }

    /// How many requests have come.
    int askedCount() {
        return asked;
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        asked++;
        if (holds) {
            held.add(() -> carryOut(request, done));
        } else {
            carryOut(request, done);
        }
    }

    private void carryOut(IoRequest request, Completion done) {
        boolean isRefusal =
                kind == DeviceFault.Kind.NOT_SUPPORTED
                        && request instanceof IoRequest.Zero zero
                        && !zero.fastOnly();
        if (failing.contains(request.tag().operation()) && !isRefusal) {
            done.complete(request, Outcome.failed(kind, "planted " + kind));
        } else {
            below.submit(request, done);
        }
    }
}

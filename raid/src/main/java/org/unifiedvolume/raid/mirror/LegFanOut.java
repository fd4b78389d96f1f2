package org.unifiedvolume.raid.mirror;

import org.unifiedvolume.raid.array.Children;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.FanOut;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// A change or a flush on its way to every leg.
///
/// Done when each leg has answered and at least one complete leg has it; the legs that failed are
/// dropped then.
final class LegFanOut extends FanOut {
    private final MirrorArray mirror;
    private final Leg[] targets;
    private final IoRequest[] children;

    /// Why legs failed; null as long as none has.
    private DeviceFault[] faults;

    private boolean mustRepeatSlowly;

    LegFanOut(MirrorArray mirror, Leg[] targets, IoRequest request, Completion done) {
        super(request, done);
        this.mirror = mirror;
        this.targets = targets;
        this.children = new IoRequest[targets.length];
    }

    void start() {
        IoRequest request = parent();
        for (int i = 0; i < targets.length; i++) {
            Leg leg = targets[i];
            children[i] =
                    Children.of(
                            request,
                            request.offsetBytes(),
                            request.lengthBytes(),
                            Children.sourceOf(request),
                            leg.locality(),
                            mirror.ids());
            expectOne();
            leg.device().submit(children[i], this);
        }
        allSubmitted();
    }

    @Override
    protected void childEnded(IoRequest request, Outcome outcome) {
        if (!(outcome instanceof Outcome.Failed(DeviceFault fault))) {
            return;
        }
        synchronized (this) {
            if (faults == null) {
                faults = new DeviceFault[targets.length];
            }
            for (int i = 0; i < children.length; i++) {
                // A member answers with the very request that it was given.
                if (children[i] == request) {
                    faults[i] = fault;
                    return;
                }
            }
        }
        throw new AssertionError("request " + request.tag().id() + " is nobody's child");
    }

    @Override
    protected Outcome result() {
        DeviceFault[] failed;
        synchronized (this) {
            failed = faults;
        }
        if (failed == null) {
            return Outcome.Done.DONE;
        }
        if (parent() instanceof IoRequest.Zero zero && zero.fastOnly() && isSplit(failed)) {
            mustRepeatSlowly = true;
            return Outcome.Done.DONE;
        }
        DeviceFault why = mirror.legs().settle(targets, failed);
        return why == null ? Outcome.Done.DONE : new Outcome.Failed(why);
    }

    /// Whether only some legs could zero fast, so that the others have to do it slowly.
    boolean mustRepeatSlowly() {
        return mustRepeatSlowly;
    }

    private static boolean isSplit(DeviceFault[] failed) {
        int refusals = 0;
        for (DeviceFault fault : failed) {
            if (fault != null && fault.kind() == DeviceFault.Kind.NOT_SUPPORTED) {
                refusals++;
            }
        }
        return refusals > 0 && refusals < failed.length;
    }
}

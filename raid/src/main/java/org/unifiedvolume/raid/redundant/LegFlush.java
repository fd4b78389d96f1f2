package org.unifiedvolume.raid.redundant;

import java.util.Arrays;
import org.unifiedvolume.raid.array.Children;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.FanOut;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// A flush of the legs that take changes; those that fail it are dropped. A client's does not wait
/// for legs that may lack acknowledged changes anyway.
///
/// It has succeeded when the superblocks say so: a leg that was dropped, with what it had not made
/// durable, would count as complete at the next start otherwise.
final class LegFlush extends FanOut {
    private final RedundantArray array;
    private final Roles roles;
    private final Leg[] targets;
    private final IoRequest[] children;
    private final long mark;

    /// Why legs failed, by role; null as long as none has.
    private DeviceFault[] faults;

    /// @param all whether legs that may be behind are flushed, too
    LegFlush(RedundantArray array, IoRequest.Flush flush, boolean all, Completion done) {
        super(flush, done);
        this.array = array;
        this.mark = array.level().flushBegins();
        this.roles = array.roles();
        this.targets =
                Arrays.stream(roles.writable())
                        .filter(leg -> !leg.lags() || (all && !leg.queue().isClosed()))
                        .toArray(Leg[]::new);
        this.children = new IoRequest[targets.length];
    }

    void start() {
        for (int i = 0; i < targets.length; i++) {
            Leg leg = targets[i];
            children[i] = Children.of(parent(), 0, 0, null, leg.locality(), array.io().ids());
            expectOne();
            leg.submit(children[i], this);
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
                faults = new DeviceFault[roles.count()];
            }
            for (int i = 0; i < children.length; i++) {
                // A member answers with the very request that it was given.
                if (children[i] == request) {
                    faults[targets[i].role()] = fault;
                    return;
                }
            }
        }
        throw new AssertionError("request " + request.tag().id() + " is nobody's child");
    }

    @Override
    protected void end(Completion whoWaits) {
        Outcome outcome = result();
        if (outcome.isSuccess()) {
            array.whenRecorded(why -> answer(whoWaits, why));
        } else {
            whoWaits.complete(parent(), outcome);
        }
    }

    private void answer(Completion whoWaits, DeviceFault why) {
        if (why == null) {
            array.level().flushed(array, mark);
            whoWaits.complete(parent(), Outcome.Done.DONE);
        } else {
            whoWaits.complete(parent(), new Outcome.Failed(why));
        }
    }

    @Override
    protected Outcome result() {
        DeviceFault[] failed;
        synchronized (this) {
            failed = faults;
        }
        DeviceFault why = failed == null ? null : array.legs().settle(roles, failed);
        if (why != null) {
            array.legs().flushFailed();
            return new Outcome.Failed(why);
        }
        return Outcome.Done.DONE;
    }
}

package org.unifiedvolume.raid.array;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.FanOut;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// A request on its way over several members: fails with the first failure of a child.
class SpreadRequest extends FanOut {
    private static final VarHandle FAULT;

    static {
        try {
            FAULT =
                    MethodHandles.lookup()
                            .findVarHandle(SpreadRequest.class, "fault", DeviceFault.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    @SuppressWarnings("unused") // through FAULT
    private volatile DeviceFault fault;

    SpreadRequest(IoRequest parent, Completion done) {
        super(parent, done);
    }

    @Override
    protected void childEnded(IoRequest request, Outcome outcome) {
        if (outcome instanceof Outcome.Failed(DeviceFault why)) {
            FAULT.compareAndSet(this, null, why);
        }
    }

    @Override
    protected final Outcome result() {
        DeviceFault why = fault;
        return why == null ? success() : failure(why);
    }

    /// The answer when every child succeeded.
    protected Outcome success() {
        return Outcome.Done.DONE;
    }

    /// The answer when a child failed; gives up what the others brought.
    protected Outcome failure(DeviceFault why) {
        return new Outcome.Failed(why);
    }
}

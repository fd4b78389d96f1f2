package org.unifiedvolume.request;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/// Answers a request when all of its children have answered: done if each succeeded, otherwise with
/// the first failure.
///
/// As it is, it serves changes and flushes that bring nothing back. A subclass that joins what its
/// children brought takes it in [#childEnded], hands it over in [#success] and gives it up in
/// [#failure].
public class AllOf extends FanOut {
    private static final VarHandle FAULT;

    static {
        try {
            FAULT = MethodHandles.lookup().findVarHandle(AllOf.class, "fault", DeviceFault.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    @SuppressWarnings("unused") // through FAULT
    private volatile DeviceFault fault;

    /// @param parent the request as it was submitted to the device that spreads it; null if `done`
    ///     does not look at it
    /// @param done who is told when the last child has answered
    public AllOf(IoRequest parent, Completion done) {
        super(parent, done);
    }

    /// Remembers the first failure. A subclass that overrides it calls it for every failure.
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

    /// The answer when every child succeeded; called once at most.
    protected Outcome success() {
        return Outcome.Done.DONE;
    }

    /// The answer when a child failed; called once at most. Gives up what the others brought.
    ///
    /// @param why the first failure
    protected Outcome failure(DeviceFault why) {
        return new Outcome.Failed(why);
    }
}

package org.unifiedvolume.request;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.unifiedvolume.Invariant;

/// Counts the answers of a request's children and answers the parent when the last one is in.
///
/// The one place where layers that spread a request count: it starts with one count for the layer
/// itself, so that a child that answers before its siblings are submitted cannot end the parent.
///
/// ```
/// FanOut all = new MyFanOut(request, done);
/// for (…) all.submit(child, childRequest);
/// all.allSubmitted();
/// ```
public abstract class FanOut implements Completion {
    private static final VarHandle PENDING;

    static {
        try {
            PENDING = MethodHandles.lookup().findVarHandle(FanOut.class, "pending", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final IoRequest parent;
    private final Completion done;

    @SuppressWarnings("unused") // through PENDING
    private volatile int pending = 1;

    protected FanOut(IoRequest parent, Completion done) {
        this.parent = parent;
        this.done = done;
    }

    protected final IoRequest parent() {
        return parent;
    }

    /// Counts one more child; call before the child is submitted.
    public final void expectOne() {
        int before = (int) PENDING.getAndAdd(this, 1);
        Invariant.check(before > 0, "a child was added to a request that ended (%d)", before);
    }

    /// Says that no more children follow, but for those that children themselves bring.
    public final void allSubmitted() {
        countDown();
    }

    @Override
    public final void complete(IoRequest request, Outcome outcome) {
        childEnded(request, outcome);
        countDown();
    }

    @Override
    public final boolean isAwaited() {
        return done.isAwaited();
    }

    private void countDown() {
        int before = (int) PENDING.getAndAdd(this, -1);
        Invariant.check(before > 0, "a request was answered twice (%d)", before);
        if (before == 1) {
            end(done);
        }
    }

    /// All children have answered: tells whoever waits for the parent.
    protected void end(Completion whoWaits) {
        whoWaits.complete(parent, result());
    }

    /// Takes one child's answer; called on any thread, for several children at once. May add
    /// children by [#expectOne].
    protected abstract void childEnded(IoRequest request, Outcome outcome);

    /// The parent's answer; called once, after every child's answer was taken.
    protected abstract Outcome result();
}

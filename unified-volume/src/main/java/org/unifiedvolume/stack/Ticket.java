package org.unifiedvolume.stack;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.unifiedvolume.Invariant;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// One request's way through a [RequestStack].
///
/// ```
///   WAITING ──► GOING ──────────────► ENDED     answered from below
///      │          │                     ▲
///      │          └──► TRACKED ─────────┤        still under way when submit returned
///      │                  │             │
///      └──────────────────┴──► EXPIRED  │        answered here: the deadline passed
/// ```
///
/// Whoever moves a ticket to ENDED or EXPIRED answers it, so it is answered once. A request that
/// expired while the device below had it goes on holding its place and its buffers until the device
/// lets go.
public final class Ticket implements Completion {
    static final int GOING = 0;
    static final int WAITING = 1;
    static final int TRACKED = 2;
    static final int ENDED = 3;
    static final int EXPIRED = 4;

    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Ticket.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final RequestStack stack;
    private final IoRequest request;
    private final Completion done;
    private final long enteredNanos;

    /// Where the ticket stands in its policy's list while it waits. Guarded by the stack's lock.
    TicketList.Place inPolicy;

    /// Where it stands among the waiting, later among those under way, oldest first. Guarded by the
    /// stack's lock.
    TicketList.Place byAge;

    @SuppressWarnings("unused") // through STATE
    private volatile int state;

    Ticket(RequestStack stack, IoRequest request, Completion done, long enteredNanos) {
        this.stack = stack;
        this.request = request;
        this.done = done;
        this.enteredNanos = enteredNanos;
    }

    public IoRequest request() {
        return request;
    }

    /// When the request entered this stack, on the stack's clock.
    public long enteredNanos() {
        return enteredNanos;
    }

    int state() {
        return (int) STATE.getVolatile(this);
    }

    boolean move(int from, int to) {
        return STATE.compareAndSet(this, from, to);
    }

    void become(int newState) {
        STATE.setVolatile(this, newState);
    }

    /// The device below answers.
    @Override
    public void complete(IoRequest submitted, Outcome outcome) {
        end(outcome);
        stack.freePlace();
    }

    @Override
    public boolean isAwaited() {
        return state() != EXPIRED && done.isAwaited();
    }

    /// Takes the device's answer, to the whole request or to this part of a merged one.
    void end(Outcome outcome) {
        if (move(GOING, ENDED) || stack.untrack(this)) {
            stack.answer(this, outcome);
        } else {
            Invariant.check(
                    state() == EXPIRED, "request %d was answered twice", request.tag().id());
            outcome.discard();
            stack.cameLate(this);
        }
        stack.released(this);
    }

    Completion done() {
        return done;
    }
}

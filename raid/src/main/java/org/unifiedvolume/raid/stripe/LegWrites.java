package org.unifiedvolume.raid.stripe;

import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.FanOut;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Zero;
import org.unifiedvolume.request.Outcome;

/// What one part of a change sends to the legs, and which of them failed.
final class LegWrites extends FanOut {
    private final StripeChange change;
    private int sent;
    private int refusals;
    private int untouched;
    private long failed;

    /// Why legs failed, by role; null as long as none has.
    private DeviceFault[] faults;

    /// @param ended told when all have answered, with nothing to say
    LegWrites(StripeChange change, Completion ended) {
        super(change.what(), ended);
        this.change = change;
    }

    /// Gives a leg its bytes; zeroes if there are none.
    void send(Leg leg, long row, long lengthBytes, Buffers source) {
        Group group = change.group();
        IoRequest child;
        if (source != null) {
            child =
                    leg.write(
                            change.what().tag(),
                            row,
                            source,
                            change.durability(),
                            group.io().ids());
        } else {
            Zero whole = (Zero) change.what();
            child = leg.part(whole, row, lengthBytes, null, group.io().ids());
        }
        expectOne();
        sent++;
        leg.submit(child, new Part(leg.role()));
    }

    /// Gives a leg its bytes once more, if it is still in use. On a control thread.
    ///
    /// @param source zeroes if null
    static void again(Group group, Leg leg, long row, long lengthBytes, Buffers source)
            throws DeviceFault, InterruptedException {
        if (!group.roles().isWritable(leg.role())) {
            return; // a rebuild will give them, with all that it lacks
        }
        if (source == null) {
            group.blocking().zero(leg, row, lengthBytes);
        } else {
            group.blocking().write(leg, row, source);
        }
    }

    /// Whether some legs could not zero fast while others did.
    synchronized boolean isRefusedBySome() {
        return 0 < refusals && refusals < sent;
    }

    /// Has the legs dropped that failed, if the array can do without them.
    ///
    /// @return why the part has failed; null if it has not
    DeviceFault settle() {
        DeviceFault[] all;
        synchronized (this) {
            all = faults;
        }
        return all == null ? null : change.group().settle(all);
    }

    /// The roles whose legs failed, or did not do, what they were sent.
    synchronized long failed() {
        return failed;
    }

    /// Whether legs have, or may have, done what they were sent.
    synchronized boolean isAnyTouched() {
        return untouched < sent;
    }

    @Override
    protected void childEnded(IoRequest request, Outcome outcome) {
        // each part has told
    }

    @Override
    protected Outcome result() {
        return Outcome.Done.DONE;
    }

    private final class Part implements Completion {
        private final int role;

        Part(int role) {
            this.role = role;
        }

        @Override
        public void complete(IoRequest request, Outcome outcome) {
            if (outcome instanceof Outcome.Failed(DeviceFault fault)) {
                note(role, fault);
            }
            LegWrites.this.complete(request, outcome);
        }
    }

    private synchronized void note(int role, DeviceFault fault) {
        failed |= 1L << role;
        if (faults == null) {
            faults = new DeviceFault[change.roles().count()];
        }
        faults[role] = fault;
        refusals += fault.kind() == DeviceFault.Kind.NOT_SUPPORTED ? 1 : 0;
        untouched += Leg.isRefusal(fault) ? 1 : 0;
    }
}

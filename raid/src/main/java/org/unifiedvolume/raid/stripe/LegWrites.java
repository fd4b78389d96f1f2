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

/// What one part of a change sends to the legs; tells the change which of them failed.
final class LegWrites extends FanOut {
    private final StripeChange change;
    private int sent;
    private int refusals;

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
        leg.device().submit(child, new Part(leg.role()));
    }

    /// Whether some legs could not zero fast while others did.
    synchronized boolean isRefusedBySome() {
        return 0 < refusals && refusals < sent;
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
                change.legFailed(role, fault);
                if (fault.kind() == DeviceFault.Kind.NOT_SUPPORTED) {
                    countRefusal();
                }
            }
            LegWrites.this.complete(request, outcome);
        }
    }

    private synchronized void countRefusal() {
        refusals++;
    }
}

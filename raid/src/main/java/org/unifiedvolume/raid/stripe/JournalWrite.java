package org.unifiedvolume.raid.stripe;

import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.raid.redundant.Roles;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.FanOut;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// One durable write of the journal to several legs. Legs that fail it are dropped; it has failed
/// if the array cannot do without them.
final class JournalWrite extends FanOut {
    private final Group group;
    private final Roles roles;
    private final Buffers bytes;

    /// Why legs failed, by role; null as long as none has.
    private DeviceFault[] faults;

    /// @param done told as of a write whose range means nothing
    JournalWrite(Group group, Roles roles, Buffers bytes, Completion done) {
        super(parent(group, roles, bytes), done);
        this.group = group;
        this.roles = roles;
        this.bytes = bytes;
    }

    private static IoRequest parent(Group group, Roles roles, Buffers bytes) {
        long id = group.io().ids().next();
        long now = group.io().timers().nanoTime();
        IoTag tag =
                new IoTag(id, 0, Operation.WRITE, roles.writeLocality(), 0, bytes.length(), 0, now);
        return new IoRequest.Write(tag, 0, bytes, Durability.DURABLE);
    }

    /// @param legs a set of roles
    /// @param offset where in each journal area
    void start(long legs, JournalPlace[] places, long offset) {
        for (int role = 0; role < places.length; role++) {
            if ((legs >> role & 1) != 0 && places[role] != null) {
                send(roles.leg(role), places[role].offset() + offset);
            }
        }
        allSubmitted();
    }

    private void send(Leg leg, long offset) {
        DeviceFault hesitation = leg.hesitation();
        if (hesitation != null) {
            failed(leg.role(), hesitation);
            return;
        }
        IoRequest child =
                leg.writeAt(parent().tag(), offset, bytes, Durability.DURABLE, group.io().ids());
        expectOne();
        leg.submit(
                child,
                (request, outcome) -> {
                    if (outcome instanceof Outcome.Failed(DeviceFault fault)) {
                        failed(leg.role(), fault);
                    }
                    complete(request, outcome);
                });
    }

    private synchronized void failed(int role, DeviceFault fault) {
        if (faults == null) {
            faults = new DeviceFault[roles.count()];
        }
        faults[role] = fault;
    }

    @Override
    protected void childEnded(IoRequest request, Outcome outcome) {
        // each leg's answer is noted
    }

    @Override
    protected Outcome result() {
        DeviceFault[] failed;
        synchronized (this) {
            failed = faults;
        }
        DeviceFault why = failed == null ? null : group.settle(failed);
        return why == null ? Outcome.Done.DONE : new Outcome.Failed(why);
    }
}

package org.unifiedvolume.raid.stripe;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.raid.redundant.MemberAccess;
import org.unifiedvolume.raid.redundant.Roles;
import org.unifiedvolume.request.DeviceFault;

/// What is done with a journal before the first request: looks for it on the legs, makes durable
/// what was replayed, begins anew. On a control thread.
final class JournalOpening {
    private static final Logger LOG = LoggerFactory.getLogger(JournalOpening.class);

    private final Group group;
    private final UUID array;
    private final JournalPlace[] places;

    JournalOpening(Group group, UUID array, JournalPlace[] places) {
        this.group = group;
        this.array = array;
        this.places = places;
    }

    /// Null if no leg has one.
    JournalHead newestHead() {
        JournalHead newest = null;
        for (int role = 0; role < places.length; role++) {
            if (!group.roles().isWritable(role) || places[role] == null) {
                continue;
            }
            Leg leg = group.roles().leg(role);
            try {
                byte[] slots =
                        new MemberAccess(leg.device(), group.blocking())
                                .read(places[role].offset(), JournalHead.SLOTS_BYTES);
                for (int at = 0; at < slots.length; at += JournalHead.BYTES) {
                    JournalHead found =
                            JournalHead.decode(
                                    ByteBuffer.wrap(slots, at, JournalHead.BYTES), array);
                    if (found != null && (newest == null || found.count() > newest.count())) {
                        newest = found;
                    }
                }
            } catch (IOException e) {
                LOG.warn(
                        "volume {}: its journal cannot be read: {}",
                        group.volume(),
                        e.getMessage());
            }
        }
        return newest;
    }

    void flushLegs() throws IOException, InterruptedException {
        DeviceFault[] faults = new DeviceFault[group.roles().count()];
        for (Leg leg : group.roles().writable()) {
            try {
                group.blocking().flush(leg);
            } catch (DeviceFault fault) {
                faults[leg.role()] = fault;
            }
        }
        settle(faults);
    }

    /// Writes a head to every leg that takes changes.
    void write(JournalHead head) throws IOException {
        Roles now = group.roles();
        DeviceFault[] faults = new DeviceFault[now.count()];
        for (Leg leg : now.writable()) {
            JournalPlace place = places[leg.role()];
            if (place != null) {
                try {
                    new MemberAccess(leg.device(), group.blocking())
                            .writeDurable(place.offset() + head.slotOffset(), head.encode());
                } catch (IOException e) {
                    if (!(e.getCause() instanceof DeviceFault fault)) {
                        throw e;
                    }
                    faults[leg.role()] = fault;
                }
            }
        }
        settle(faults);
    }

    private void settle(DeviceFault[] faults) throws IOException {
        for (DeviceFault fault : faults) {
            if (fault != null) {
                DeviceFault why = group.settle(faults);
                if (why != null) {
                    throw new IOException(
                            "volume %s: its journal cannot be begun: %s"
                                    .formatted(group.volume(), why.getMessage()),
                            why);
                }
                return;
            }
        }
    }
}

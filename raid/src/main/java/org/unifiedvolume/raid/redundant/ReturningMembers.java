package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import org.unifiedvolume.raid.integrity.Doubt;
import org.unifiedvolume.raid.superblock.Superblock;
import org.unifiedvolume.raid.superblock.SuperblockSlots;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.spi.LayoutMember;

/// Takes members back by what their superblocks say.
final class ReturningMembers implements LegReader {
    private final String volume;
    private final Superblocks superblocks;
    private final BlockingLegs blocking;
    private final Doubt doubt;
    private Legs legs;

    ReturningMembers(String volume, Superblocks superblocks, BlockingLegs blocking, Doubt doubt) {
        this.doubt = doubt;
        this.volume = volume;
        this.superblocks = superblocks;
        this.blocking = blocking;
    }

    void setLegs(Legs newLegs) {
        legs = newLegs;
    }

    @Override
    public Returned read(Leg leg) throws IOException, InterruptedException {
        LayoutMember opened = open(leg);
        boolean taken = false;
        try {
            SuperblockSlots slots =
                    SuperblockSlots.read(new MemberAccess(opened.device(), blocking));
            Superblock carried = slots.current();
            check(leg, slots, carried);
            boolean isOlder = carried.events() < legs.knownEvents(leg);
            if (isOlder && hasHidden(slots.unreadable())) {
                throw slots.unreadable();
            }
            boolean isKnown = !isOlder && legs.hasLived(carried.epoch());
            legs.raiseEvents(carried.events());
            LegMember member =
                    LegMember.of(opened, carried.member(), carried.areas(), blocking, doubt);
            if (member.listProblem() != null && member.list().mayPass()) {
                throw new IOException(
                        "volume %s: %s: %s".formatted(volume, leg.name(), member.listProblem()));
            }
            superblocks.setSeat(member, new Superblocks.Seat(slots, carried.areas()));
            taken = true;
            return new Returned(member, isKnown);
        } finally {
            if (!taken && leg.device() == null) {
                opened.device().close();
            }
        }
    }

    /// Whether a superblock was out of reach for a moment, rather than lost: then the leg is looked
    /// at again, as it would be copied whole for want of it.
    private static boolean hasHidden(IOException unreadable) {
        return unreadable != null
                && unreadable.getCause() instanceof DeviceFault fault
                && fault.kind() != DeviceFault.Kind.IO;
    }

    private LayoutMember open(Leg leg) throws IOException {
        if (leg.device() != null) {
            return leg.opened();
        }
        LayoutMember before = leg.opened();
        LayoutMember opened = before.opener() == null ? before : before.opener().open();
        if (opened.isMissing()) {
            throw new IOException(
                    "volume %s: %s cannot be opened: %s"
                            .formatted(volume, leg.name(), opened.problem()));
        }
        return opened;
    }

    private void check(Leg leg, SuperblockSlots slots, Superblock carried) throws IOException {
        if (carried == null) {
            throw new IOException(
                    "volume %s: %s does not carry a superblock of this array%s; uvol replace takes it in as a new member"
                            .formatted(
                                    volume,
                                    leg.name(),
                                    slots.damage().isEmpty() ? "" : ": " + slots.damage()));
        }
        if (!carried.array().uuid().equals(superblocks.array().uuid())
                || !carried.member().equals(leg.member().uuid())) {
            throw new IOException(
                    "volume %s: %s carries another member: role %d of array %s (%s)"
                            .formatted(
                                    volume,
                                    leg.name(),
                                    carried.role(),
                                    carried.array().name(),
                                    carried.array().uuid()));
        }
        if (!legs.hasLived(carried.epoch()) && !leg.isForgiven()) {
            throw new IOException(
                    ("volume %s: %s was written without the others meanwhile, in epoch %s (split"
                                    + " brain); if its own changes do not count, uvol"
                                    + " zero-superblock it and uvol replace it by itself")
                            .formatted(volume, leg.name(), carried.epoch()));
        }
    }
}

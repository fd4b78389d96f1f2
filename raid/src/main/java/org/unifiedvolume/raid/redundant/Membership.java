package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.util.UUID;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.raid.superblock.MemberLayout;
import org.unifiedvolume.raid.superblock.Superblock;
import org.unifiedvolume.raid.superblock.SuperblockSlots;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.volume.Member;

/// Takes members out of their roles for good, and gives roles to other members, by command.
final class Membership {
    /// Whoever looked at the roles before a leg was dropped has sent its request by then.
    private static final long GRACE_NANOS = 1_000_000_000L;

    private final RedundantArray array;
    private final Superblocks superblocks;
    private final Returns returns;

    Membership(RedundantArray array, Superblocks superblocks, Returns returns) {
        this.array = array;
        this.superblocks = superblocks;
        this.returns = returns;
    }

    /// Empties a role.
    ///
    /// @return what the user should know; may be empty
    String remove(Leg leg) throws IOException, InterruptedException {
        String remark = "";
        Member device = leg.device();
        array.legs().retire(leg, "removed by hand");
        if (device != null) {
            awaitQuiet(leg);
            try {
                SuperblockSlots.read(new MemberAccess(device, array.blocking())).erase();
            } catch (IOException e) {
                remark =
                        "its superblock could not be wiped (%s); uvol zero-superblock it before it is used elsewhere"
                                .formatted(e.getMessage());
            }
            LayoutMember gone = LayoutMember.missing(leg.name(), leg.locality(), "removed by hand");
            superblocks.setSeat(leg.role(), null);
            array.legs().seat(leg, new LegMember(gone, leg.member().uuid(), 0));
            device.close();
        }
        return remark;
    }

    /// Gives a role to another member. It is looked at before anything changes.
    void replace(Leg leg, LayoutMember fresh, boolean force)
            throws IOException, InterruptedException {
        MemberAreas areas = checkFits(fresh);
        if (!force) {
            checkBlank(fresh);
        }
        Member old = leg.device();
        array.legs().retire(leg, "replaced by " + fresh.name());
        awaitQuiet(leg);
        MemberAccess access = new MemberAccess(fresh.device(), array.blocking());
        SuperblockSlots slots = SuperblockSlots.read(access);
        slots.erase();
        NewMember.clearAreas(array.volume(), fresh, areas, array.blocking());
        superblocks.setSeat(leg.role(), new Superblocks.Seat(slots, areas));
        UUID uuid = new UUID(array.legs().randomId(), array.legs().randomId());
        LegMember member = new LegMember(fresh, uuid, areas.data().offset());
        returns.fill(leg, member, 0);
        if (old != null) {
            old.close();
        }
    }

    private MemberAreas checkFits(LayoutMember fresh) throws IOException {
        if (fresh.isMissing()) {
            throw refusal("%s cannot be opened: %s".formatted(fresh.name(), fresh.problem()));
        }
        if (!fresh.device().shape().can(Ability.WRITE)) {
            throw refusal(fresh.name() + " is read-only; make it writable");
        }
        if (fresh.device().shape().blockBytes() > array.shape().blockBytes()) {
            throw refusal(
                    "%s has blocks of %s, and clients of the array were told of %s; take another one"
                            .formatted(
                                    fresh.name(),
                                    Units.size(fresh.device().shape().blockBytes()),
                                    Units.size(array.shape().blockBytes())));
        }
        MemberAreas model = superblocks.anySeat().areas();
        long size = fresh.device().shape().sizeBytes();
        MemberAreas areas =
                MemberLayout.plan(
                        size,
                        model.place(),
                        new MemberLayout.Wishes(
                                model.bitmap().isPresent(), model.journal().isPresent() ? -1 : 0));
        long rows = array.level().rowBytes();
        if (areas == null || areas.data().length() < rows) {
            throw refusal(
                    "%s has room for %s, and the array uses %s of each member; take a larger one"
                            .formatted(
                                    fresh.name(),
                                    Units.size(areas == null ? 0 : areas.data().length()),
                                    Units.size(rows)));
        }
        return areas.forRows(rows);
    }

    private void checkBlank(LayoutMember fresh) throws IOException {
        Superblock carried =
                SuperblockSlots.read(new MemberAccess(fresh.device(), array.blocking())).current();
        String words =
                carried == null
                        ? MemberContent.look(fresh.device(), array.blocking()).words()
                        : "a member of array %s (%s)"
                                .formatted(carried.array().name(), carried.array().uuid());
        if (!words.isEmpty()) {
            throw refusal(
                    "%s holds %s; take another one, or --force to give that up"
                            .formatted(fresh.name(), words));
        }
    }

    /// Nothing that was meant for the member of a dropped leg is under way any more.
    private void awaitQuiet(Leg leg) throws IOException, InterruptedException {
        if (leg.device() != null) {
            array.blocking().sleep(GRACE_NANOS);
            returns.awaitQuiet(leg);
        }
        if (array.isClosed()) {
            throw refusal("it was closed meanwhile");
        }
    }

    private IOException refusal(String problem) {
        return new IOException("volume %s: %s".formatted(array.volume(), problem));
    }
}

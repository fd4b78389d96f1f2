package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.raid.superblock.MemberLayout;
import org.unifiedvolume.raid.superblock.Superblock;
import org.unifiedvolume.raid.superblock.SuperblockSlots;
import org.unifiedvolume.spi.LayoutMember;

/// Takes members out of their roles for good, and gives roles to other members, by command.
final class Membership {
    private static final Logger LOG = LoggerFactory.getLogger(Membership.class);

    /// Whoever looked at the roles before a leg was dropped has sent its request by then.
    private static final long GRACE_NANOS = 1_000_000_000L;

    private static final long LOOK_NANOS = 20_000_000L;

    private final RedundantArray array;
    private final Superblocks superblocks;
    private final Returns returns;

    /// Those that had a role, and have not answered everything.
    private final List<LegMember> leaving = new CopyOnWriteArrayList<>();

    Membership(RedundantArray array, Superblocks superblocks, Returns returns) {
        this.array = array;
        this.superblocks = superblocks;
        this.returns = returns;
    }

    /// Empties a role.
    ///
    /// @return what the user should know; may be empty
    String remove(Leg leg) throws IOException, InterruptedException {
        if (leg.isVacant()) {
            throw refusal(leg.name() + " was removed already");
        }
        if (array.legs().reserve().replacementOf(leg) != null) {
            throw refusal(
                    "%s is being replaced by %s; uvol remove that one first"
                            .formatted(
                                    leg.name(), array.legs().reserve().replacementOf(leg).name()));
        }
        String remark = "";
        BlockDevice device = leg.device();
        array.legs().retire(leg, "removed by hand");
        if (device != null) {
            awaitQuiet(leg);
            try {
                SuperblockSlots.read(new MemberAccess(device, array.blocking())).erase();
            } catch (IOException e) {
                remark = notWiped(e);
            }
            LayoutMember gone = LayoutMember.missing(leg.name(), leg.locality(), "removed by hand");
            superblocks.forget(leg.member());
            array.legs().vacate(leg, LegMember.missing(gone, leg.member().uuid()));
            device.close();
            return remark;
        }
        array.legs().vacate(leg, leg.member());
        return notWiped(new IOException("it cannot be reached"));
    }

    private static String notWiped(IOException why) {
        return "its superblock could not be wiped (%s); uvol zero-superblock it before it is used elsewhere"
                .formatted(why.getMessage());
    }

    /// Gives a member that lacks nothing but a role to the array: it waits for one.
    Spare addSpare(LayoutMember fresh, boolean force) throws IOException, InterruptedException {
        MemberAreas areas = checkNew(fresh, null, force);
        if (array.legs().all().size() + array.legs().reserve().spares().size()
                >= Superblock.MAX_MEMBERS) {
            throw refusal("it has %d members already".formatted(Superblock.MAX_MEMBERS));
        }
        UUID uuid = newUuid();
        SuperblockSlots slots = prepare(fresh, uuid, areas);
        Spare spare =
                new Spare(
                        memberOf(fresh, uuid, areas),
                        new Superblocks.Seat(slots, areas),
                        Instant.now());
        array.legs().reserve().changeSpares(null, spare);
        boolean written = false;
        try {
            superblocks.writeSpare(spare);
            written = true;
        } finally {
            if (!written) {
                array.legs().reserve().changeSpares(spare, null);
            }
        }
        LOG.info("volume {}: {} is a spare", array.volume(), spare.name());
        return spare;
    }

    /// A spare is none any more, and is whoever's it was before.
    void disown(Spare spare) throws IOException {
        superblocks.forget(spare.member());
        array.legs().reserve().changeSpares(spare, null);
        try {
            spare.seat().slots().erase();
        } catch (IOException e) {
            LOG.warn("volume {}: {}: {}", array.volume(), spare.name(), notWiped(e));
        }
    }

    /// Takes a member that waits for a role out of the array.
    ///
    /// @return what the user should know; may be empty
    String removeSpare(Spare spare) throws IOException {
        array.legs().reserve().changeSpares(spare, null);
        String remark = "";
        try {
            if (spare.isMissing()) {
                throw new IOException("it cannot be reached");
            }
            spare.seat().slots().erase();
        } catch (IOException e) {
            remark = notWiped(e);
        }
        if (!spare.isMissing()) {
            spare.member().device().close();
        }
        return remark;
    }

    /// A spare takes the role of a lost leg and is filled.
    ///
    /// One state says both that it has the role and that the one before it has none, and nothing of
    /// it counts before its rebuild has ended: whatever superblocks a kill leaves behind, the
    /// freshest of them names one member for the role.
    ///
    /// @return whether the leg was still lost and the spare still one
    boolean succeed(Leg leg, Spare spare) throws IOException, InterruptedException {
        SuperblockSlots slots = slotsOf(spare);
        LegMember old = leg.member();
        if (old.device() != null) {
            array.blocking().sleep(GRACE_NANOS);
            awaitRebuild(leg);
        }
        if (array.isClosed() || leg.state() != LegState.STALE) {
            return false;
        }
        superblocks.setSeat(spare.member(), new Superblocks.Seat(slots, spare.seat().areas()));
        returns.fill(leg, spare.member(), 0);
        superblocks.forget(old);
        if (old.device() != null) {
            dismiss(old);
        }
        return true;
    }

    /// Where the superblocks of a spare are, which is looked at again before it counts for more.
    private SuperblockSlots slotsOf(Spare spare) throws IOException {
        SuperblockSlots slots =
                SuperblockSlots.read(new MemberAccess(spare.member().device(), array.blocking()));
        Superblock carried = slots.current();
        if (carried == null
                || !carried.array().uuid().equals(superblocks.array().uuid())
                || !carried.member().equals(spare.member().uuid())) {
            throw refusal(spare.name() + " does not carry its superblock any more");
        }
        return slots;
    }

    /// A spare is about to be given a role.
    void seat(Spare spare) throws IOException {
        superblocks.setSeat(
                spare.member(), new Superblocks.Seat(slotsOf(spare), spare.seat().areas()));
    }

    /// Closes a member that has no role any more when it has answered everything: until then what
    /// it was told may still reach its medium, so it must not be taken in again.
    private void dismiss(LegMember old) {
        leaving.add(old);
        array.blocking()
                .threads()
                .start(
                        "uvol-leave-" + array.volume(),
                        () -> {
                            try {
                                // Who looked before it had no role any more has sent by then.
                                array.blocking().sleep(GRACE_NANOS);
                                while (old.underWayCount() > 0 && !array.isClosed()) {
                                    array.blocking().sleep(GRACE_NANOS);
                                }
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            } finally {
                                leaving.remove(old);
                                old.device().close();
                            }
                        });
    }

    /// Closes those that have not answered everything yet.
    void close() {
        leaving.forEach(member -> member.device().close());
    }

    /// A spare that was missing, now that it is there.
    Spare spareOf(LayoutMember opened, Spare missing) throws IOException {
        SuperblockSlots slots =
                SuperblockSlots.read(new MemberAccess(opened.device(), array.blocking()));
        Superblock carried = slots.current();
        if (carried == null || !carried.member().equals(missing.member().uuid())) {
            throw refusal(opened.name() + " does not carry its superblock any more");
        }
        MemberAreas areas = carried.areas();
        if (areas.data().length() < array.level().rowBytes()) {
            throw refusal(opened.name() + " is too small");
        }
        return new Spare(
                memberOf(opened, carried.member(), areas),
                new Superblocks.Seat(slots, areas),
                missing.since());
    }

    /// Why a member cannot have a role now; null if it can.
    String problemOf(Spare spare) {
        if (spare.isMissing()) {
            return spare.opened().problem();
        }
        if (spare.member().listProblem() != null) {
            return spare.member().listProblem();
        }
        long room = spare.seat().areas().data().length();
        if (room < array.level().rowBytes()) {
            return "it has room for %s, and the array uses %s of each member"
                    .formatted(Units.size(room), Units.size(array.level().rowBytes()));
        }
        return null;
    }

    /// Gives a role to another member, which is looked at before anything changes. While the one
    /// that has it is complete it keeps it until the new one is, too.
    void replace(Leg leg, LayoutMember fresh, boolean force)
            throws IOException, InterruptedException {
        MemberAreas areas = checkNew(fresh, leg, force);
        if (array.legs().reserve().replacementOf(leg) != null) {
            throw refusal(
                    "%s is being replaced by %s already; uvol remove that one first"
                            .formatted(
                                    leg.name(), array.legs().reserve().replacementOf(leg).name()));
        }
        if (leg.state().isComplete() && array.level().mover() != null) {
            throw refusal(
                    "it is being reshaped, and %s is good; replace it when that is done"
                            .formatted(leg.name()));
        }
        boolean isItself = fresh.name().equals(leg.name());
        if (leg.state().isComplete() && leg.device() != null && !isItself) {
            MemberAreas pair = asBeside(leg, fresh, areas.unprovenAtFirst());
            if (pair != null) {
                follow(leg, fresh, pair);
                return;
            }
        }
        if (leg.state().isComplete() && !isItself) {
            LOG.warn(
                    "volume {}: {} is taken out before {} is filled, whose areas lie elsewhere",
                    array.volume(),
                    leg.name(),
                    fresh.name());
        }
        LegMember old = leg.member();
        array.legs().retire(leg, "replaced by " + fresh.name());
        awaitQuiet(leg);
        LegMember member = seat(fresh, areas);
        returns.fill(leg, member, 0);
        superblocks.forget(old);
        if (old.device() != null) {
            old.device().close();
        }
    }

    /// The areas of a member that is to follow a leg: those that the leg's member has, so that data
    /// begin at the same place, and the journal, which may be written while members change. Null if
    /// it has no room for that.
    private MemberAreas asBeside(Leg leg, LayoutMember fresh, boolean isUnproven) {
        MemberAreas own = superblocks.seat(leg.member()).areas();
        MemberAreas areas = own.onMember(fresh.device().shape().sizeBytes());
        boolean fits =
                areas != null
                        && areas.journal().equals(own.journal())
                        && areas.data().length() >= array.level().rowBytes();
        return fits ? areas.withUnprovenData(isUnproven) : null;
    }

    private void follow(Leg leg, LayoutMember fresh, MemberAreas areas)
            throws IOException, InterruptedException {
        LegMember member = seat(fresh, areas);
        Replacement replacement = new Replacement(leg, member, Instant.now(), 0, 0);
        boolean begun = false;
        try {
            array.replacements().begin(replacement);
            begun = true;
        } finally {
            if (!begun) {
                array.legs().reserve().abandon(replacement, "it could not be begun");
                superblocks.forget(member);
            }
        }
    }

    /// A replacement takes the role of a leg that has failed before it was complete.
    void inherit(Replacement replacement) throws IOException, InterruptedException {
        Leg leg = replacement.leg();
        LegMember old = leg.member();
        long filled = array.bitmap() == null ? 0 : replacement.filledBytes();
        returns.fill(leg, replacement.member(), filled);
        LOG.warn(
                "volume {}: {} takes the place of {} before it is filled",
                array.volume(),
                replacement.name(),
                old.name());
        superblocks.forget(old);
        if (old.device() != null) {
            dismiss(old);
        }
    }

    /// A member that has given its role to another one belongs to the array no more.
    void letGo(LegMember old) {
        String remark = leave(old);
        if (!remark.isEmpty()) {
            LOG.warn("volume {}: {}: {}", array.volume(), old.name(), remark);
        }
    }

    /// A member without a role belongs to the array no more.
    ///
    /// @return what the user should know; may be empty
    String leave(LegMember old) {
        Superblocks.Seat seat = superblocks.seat(old);
        superblocks.forget(old);
        String remark = "";
        try {
            if (seat == null) {
                throw new IOException("it cannot be reached");
            }
            seat.slots().erase();
        } catch (IOException e) {
            remark = notWiped(e);
        }
        if (old.device() != null) {
            dismiss(old);
        }
        return remark;
    }

    /// A replacement that will not take its leg's place is closed.
    void drop(Replacement replacement) {
        superblocks.forget(replacement.member());
        dismiss(replacement.member());
    }

    /// Takes a replacement out by hand.
    ///
    /// @return what the user should know; may be empty
    String remove(Replacement replacement) throws IOException {
        Superblocks.Seat seat = superblocks.seat(replacement.member());
        if (!array.legs().reserve().abandon(replacement, "removed by hand")) {
            throw refusal(replacement.name() + " has taken its role just now");
        }
        array.legs().keeper().settle();
        String remark = "";
        try {
            seat.slots().erase();
        } catch (IOException e) {
            remark = notWiped(e);
        }
        drop(replacement);
        return remark;
    }

    /// Makes a device a member that has a place for its superblock, and carries none yet.
    LegMember seat(LayoutMember fresh, MemberAreas areas) throws IOException, InterruptedException {
        UUID uuid = newUuid();
        SuperblockSlots slots = prepare(fresh, uuid, areas);
        LegMember member = memberOf(fresh, uuid, areas);
        superblocks.setSeat(member, new Superblocks.Seat(slots, areas));
        return member;
    }

    private LegMember memberOf(LayoutMember opened, UUID uuid, MemberAreas areas)
            throws IOException {
        LegMember member = LegMember.of(opened, uuid, areas, array.blocking(), array.doubt());
        if (member.listProblem() != null) {
            throw refusal("%s: %s".formatted(opened.name(), member.listProblem()));
        }
        return member;
    }

    private UUID newUuid() {
        return new UUID(array.legs().randomId(), array.legs().randomId());
    }

    /// Looks at a member that is to be taken in, before anything is written.
    ///
    /// @param itself the leg that may be given its own member anew; null for none
    /// @return what is to lie where on it
    MemberAreas checkNew(LayoutMember fresh, Leg itself, boolean force) throws IOException {
        MemberAreas areas = checkFits(fresh);
        checkStranger(fresh, itself);
        if (!force) {
            NewMember.checkBlank(array.volume(), fresh, array.blocking());
        }
        return areas;
    }

    /// A device by another name may be one that the array uses: its superblock tells.
    ///
    /// @param itself the leg that may be given its own member anew; null for none
    private void checkStranger(LayoutMember fresh, Leg itself) throws IOException {
        if (leaving.stream().anyMatch(member -> member.name().equals(fresh.name()))) {
            throw refusal(
                    fresh.name() + " has not answered everything that it was told; try again");
        }
        Superblock carried =
                SuperblockSlots.read(new MemberAccess(fresh.device(), array.blocking())).current();
        boolean isUsed = carried != null && isUsed(carried.member(), itself);
        if (isUsed) {
            throw refusal(fresh.name() + " is a member of it already");
        }
    }

    private boolean isUsed(UUID member, Leg itself) {
        for (Leg leg : array.legs().all()) {
            if (leg != itself && leg.device() != null && leg.member().uuid().equals(member)) {
                return true;
            }
        }
        return array.legs().reserve().spares().stream()
                        .anyMatch(spare -> spare.member().uuid().equals(member))
                || array.legs().reserve().replacements().stream()
                        .anyMatch(one -> one.member().uuid().equals(member));
    }

    /// Makes a device nobody's, with empty areas of an array's own.
    private SuperblockSlots prepare(LayoutMember fresh, UUID uuid, MemberAreas areas)
            throws IOException, InterruptedException {
        SuperblockSlots slots =
                SuperblockSlots.read(new MemberAccess(fresh.device(), array.blocking()));
        slots.erase();
        NewMember.clearAreas(array.volume(), fresh, uuid, areas, array.blocking());
        return slots;
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
        MemberAreas areas = MemberLayout.plan(size, model.place(), model.wishes());
        long rows = array.level().rowBytes();
        if (areas == null || areas.data().length() < rows) {
            throw refusal(
                    "%s has room for %s, and the array uses %s of each member; take a larger one"
                            .formatted(
                                    fresh.name(),
                                    Units.size(areas == null ? 0 : areas.data().length()),
                                    Units.size(rows)));
        }
        return NewMember.proven(fresh, areas.forRows(rows), array.blocking());
    }

    /// A rebuild of a dropped leg is cancelled, and ends with the windows that are under way.
    private void awaitRebuild(Leg leg) throws InterruptedException {
        while (leg.isWorkedOn() && !array.isClosed()) {
            array.blocking().sleep(LOOK_NANOS);
        }
    }

    /// Nothing that was meant for the member of a dropped leg is under way any more.
    void awaitQuiet(Leg leg) throws IOException, InterruptedException {
        if (leg.device() != null) {
            array.blocking().sleep(GRACE_NANOS);
            awaitRebuild(leg);
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

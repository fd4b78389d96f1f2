package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.spi.LayoutMember;

/// Gives a mirror more legs, or fewer, while it is used, and others more. Blocks.
///
/// More: one state says how many roles there are and that the new ones are being filled; a job
/// fills them, as any leg that lacks everything. Fewer: the leg that goes takes no changes any
/// more, on disk, and has answered everything; then, while all rows are held, one state says that
/// there is one role less, and the last leg takes the place of the one that has gone. Whoever is
/// killed in between leaves superblocks of which the freshest says who has which role; a member
/// that it does not name has been taken out.
final class LegCount {
    private static final Logger LOG = LoggerFactory.getLogger(LegCount.class);
    private static final long PATIENCE_NANOS = 10_000_000_000L;
    private static final int LEAST = 2;

    private final RedundantArray array;
    private final Superblocks superblocks;
    private final Membership membership;
    private final Widening widening;

    LegCount(
            RedundantArray array,
            Superblocks superblocks,
            Membership membership,
            Widening widening) {
        this.widening = widening;
        this.array = array;
        this.superblocks = superblocks;
        this.membership = membership;
    }

    /// Sees to it that there are so many legs.
    ///
    /// @param added the members of new ones; what is missing is taken from the spares
    /// @param gone the names of those that go first; after them the ones that are lost, then the
    ///     last ones
    /// @param force whether what the added ones carry may be given up
    /// @return what the user should know; may be empty
    /// @throws IOException if it must not be so, and nothing was written; or if writing failed
    String set(int count, List<LayoutMember> added, List<String> gone, boolean force)
            throws IOException, InterruptedException {
        int before = array.legs().all().size();
        if (array.level().isReshapable()) {
            reshape(count - before, added, gone, force);
            return "";
        }
        if (!array.level().isOnEveryLeg()) {
            throw refusal(
                    "%s has a fixed number of legs; only raid1 may get more or fewer"
                            .formatted(array.level().name()));
        }
        if (count < LEAST || count > Level.MOST_LEGS) {
            throw refusal(
                    "it has %d legs, and may have %d to %d"
                            .formatted(before, LEAST, Level.MOST_LEGS));
        }
        if (count == before) {
            throw refusal("it has %d legs already".formatted(count));
        }
        if (count > before) {
            if (!gone.isEmpty()) {
                throw refusal(
                        "%s is to go while there are to be more legs; uvol replace gives a role to another member"
                                .formatted(gone.getFirst()));
            }
            widen(count - before, added, force);
            return "";
        }
        if (!added.isEmpty()) {
            throw refusal(
                    "%s is to come while there are to be fewer legs; leave it out"
                            .formatted(added.getFirst().name()));
        }
        return narrow(before - count, gone);
    }

    /// The bytes are laid out anew over all legs: that cannot be taken back.
    private void reshape(int more, List<LayoutMember> added, List<String> gone, boolean force)
            throws IOException, InterruptedException {
        if (more <= 0 || !gone.isEmpty()) {
            throw refusal(
                    "it has %d legs; a %s may get more, not fewer"
                            .formatted(array.legs().all().size(), array.level().name()));
        }
        checkRoom(more, added);
        widening.widen(added, fittingSpares(more - added.size()), force);
        array.beginReshape(0);
    }

    private void checkRoom(int more, List<LayoutMember> added) throws IOException {
        if (added.size() > more) {
            throw refusal(
                    "%d members are to come, for %d more legs; write --legs %d"
                            .formatted(
                                    added.size(), more, array.legs().all().size() + added.size()));
        }
    }

    private void widen(int more, List<LayoutMember> added, boolean force)
            throws IOException, InterruptedException {
        checkRoom(more, added);
        List<MemberAreas> areas = new ArrayList<>();
        for (LayoutMember member : added) {
            areas.add(membership.checkNew(member, null, force));
        }
        List<Spare> spares = fittingSpares(more - added.size());
        List<LegMember> members = new ArrayList<>();
        boolean areLegs = false;
        try {
            for (Spare spare : spares) {
                membership.seat(spare);
                members.add(spare.member());
            }
            for (int i = 0; i < added.size(); i++) {
                members.add(membership.seat(added.get(i), areas.get(i)));
            }
            fill(members);
            areLegs = true;
        } finally {
            if (!areLegs) {
                members.stream()
                        .filter(member -> array.legs().legOf(member.uuid()) == null)
                        .forEach(superblocks::forget);
            }
        }
    }

    /// The smallest ones first, as for the roles of lost legs.
    private List<Spare> fittingSpares(int wanted) throws IOException {
        List<Spare> found =
                array.legs().reserve().spares().stream()
                        .filter(spare -> !spare.isMissing() && membership.problemOf(spare) == null)
                        .sorted(
                                Comparator.comparingLong(
                                        spare -> spare.seat().areas().memberBytes()))
                        .limit(wanted)
                        .toList();
        if (found.size() < wanted) {
            throw refusal(
                    "%d more members are needed, and it has %d spares that fit; name new members with --add"
                            .formatted(wanted, found.size()));
        }
        return found;
    }

    private void fill(List<LegMember> members) throws IOException, InterruptedException {
        List<Leg> legs = new ArrayList<>();
        List<RowJob> jobs = new ArrayList<>();
        for (LegMember member : members) {
            int role = array.legs().all().size() + legs.size();
            Leg leg = new Leg(role, member, LegState.REBUILDING, "", Instant.now(), 0);
            RowJob job = array.jobs().rebuildOf(leg, member, 0);
            leg.setRebuild(job);
            legs.add(leg);
            jobs.add(job);
        }
        array.legs().widen(legs);
        array.saveBitmap();
        jobs.forEach(RowJob::start); // one that was cancelled meanwhile ends at once
        for (Leg leg : legs) {
            LOG.info("volume {}: {} is one more leg", array.volume(), leg.name());
        }
    }

    private String narrow(int fewer, List<String> gone) throws IOException, InterruptedException {
        if (gone.size() > fewer) {
            throw refusal(
                    "%d members are to go, for %d legs less; write --legs %d"
                            .formatted(
                                    gone.size(), fewer, array.legs().all().size() - gone.size()));
        }
        List<String> names = chosen(fewer, gone);
        checkMayGo(names);
        StringBuilder remarks = new StringBuilder();
        for (String name : names) {
            String remark = drop(named(name));
            remarks.append(remarks.isEmpty() || remark.isEmpty() ? "" : "; ").append(remark);
        }
        return remarks.toString();
    }

    /// Those that are named, then those that hold least, then the last ones.
    private List<String> chosen(int fewer, List<String> gone) throws IOException {
        List<String> names = new ArrayList<>(gone);
        for (String name : gone) {
            named(name);
        }
        array.legs().all().stream()
                .filter(leg -> !gone.contains(leg.name()))
                .sorted(
                        Comparator.comparing((Leg leg) -> leg.state().isComplete())
                                .thenComparing(leg -> leg.state().takesChanges())
                                .thenComparing(leg -> !leg.isVacant())
                                .thenComparing(Comparator.comparingInt(Leg::role).reversed()))
                .limit(fewer - (long) gone.size())
                .forEach(leg -> names.add(leg.name()));
        return names;
    }

    private Leg named(String name) throws IOException {
        for (Leg leg : array.legs().all()) {
            if (leg.name().equals(name)) {
                return leg;
            }
        }
        throw refusal(name + " is none of its legs");
    }

    private void checkMayGo(List<String> names) throws IOException {
        if (!array.legs().reserve().replacements().isEmpty()) {
            throw refusal("one of its members is being replaced; wait until it is");
        }
        boolean isOneLeft = false;
        for (Leg leg : array.legs().all()) {
            boolean goes = names.contains(leg.name());
            if (!goes && leg.state() == LegState.REBUILDING) {
                throw refusal(leg.name() + " is being filled; wait until it is in sync");
            }
            isOneLeft |= !goes && leg.device() != null && leg.state().isComplete();
        }
        if (!isOneLeft) {
            String reproach = array.behind().reproach();
            throw refusal(
                    "none of the legs that would be left is in sync; "
                            + (reproach.isEmpty()
                                    ? "bring another one in sync first"
                                    : reproach + ": wait until it is in step"));
        }
    }

    private String drop(Leg leg) throws IOException, InterruptedException {
        LegMember member = leg.member();
        boolean isThere = leg.device() != null;
        array.legs().retire(leg, "taken out, as there are fewer legs");
        membership.awaitQuiet(leg);
        BlockingLegs.Held all = new BlockingLegs.Held(0, array.level().rowBytes());
        if (!array.blocking().holdWithin(PATIENCE_NANOS, array.locks(), all)) {
            all.abandon();
            throw refusal(
                    "changes are under way that do not end; %s takes no more changes, try again"
                            .formatted(leg.name()));
        }
        try {
            array.legs().narrow(leg);
        } finally {
            array.locks().release(all);
        }
        LOG.warn("volume {}: {} is no leg any more", array.volume(), member.name());
        return !isThere && leg.isVacant() ? "" : membership.leave(member);
    }

    private IOException refusal(String problem) {
        return new IOException("volume %s: %s".formatted(array.volume(), problem));
    }
}

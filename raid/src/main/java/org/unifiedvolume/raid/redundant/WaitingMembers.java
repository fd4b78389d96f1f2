package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.raid.integrity.Doubt;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.raid.superblock.MemberEntry;
import org.unifiedvolume.raid.superblock.MemberState;
import org.unifiedvolume.raid.superblock.Superblock;
import org.unifiedvolume.raid.superblock.SuperblockSlots;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.spi.LayoutMember;

/// The members that the user wrote as spares, at a start: some are spares already, some have been
/// given a role since, some carry nothing yet, some are not there. Blocks.
final class WaitingMembers {
    private static final Logger LOG = LoggerFactory.getLogger(WaitingMembers.class);

    /// A spare that is there, with what it carries.
    record Here(LayoutMember member, SuperblockSlots slots) {}

    private final String volume;
    private final ArrayOptions options;
    private final BlockingLegs blocking;
    private final Doubt doubt;

    /// Those that are left: what they are is not known yet.
    private final List<LayoutMember> left;

    /// @param doubt where the array's checksums prove less
    WaitingMembers(
            String volume,
            List<LayoutMember> spares,
            ArrayOptions options,
            BlockingLegs blocking,
            Doubt doubt) {
        this.doubt = doubt;
        this.volume = volume;
        this.options = options;
        this.blocking = blocking;
        this.left = new ArrayList<>(spares);
    }

    /// Takes those out that carry superblocks of an array.
    ///
    /// @param array null if no member carries anything: then those belong to it that carry an array
    ///     of the volume's name, as members may have changed places with spares
    List<LayoutMember> membersOf(UUID array) {
        List<LayoutMember> found = new ArrayList<>();
        for (LayoutMember member : left) {
            Superblock carried = member.isMissing() ? null : carried(member);
            boolean belongs =
                    carried != null
                            && (array == null
                                    ? carried.array().name().equals(volume)
                                    : carried.array().uuid().equals(array));
            if (belongs) {
                found.add(member);
            }
        }
        left.removeAll(found);
        return found;
    }

    /// What a member carries; null if nothing, or if that cannot be told.
    private Superblock carried(LayoutMember member) {
        try {
            return SuperblockSlots.read(
                            new MemberAccess(member.device(), blocking), options.metadata())
                    .current();
        } catch (IOException e) {
            LOG.warn("volume {}: the spare {}: {}", volume, member.name(), e.getMessage());
            return null;
        }
    }

    /// Refuses to make spares of members that carry something, before a new array is written.
    void checkBlank() throws IOException {
        for (LayoutMember member : left) {
            if (member.isMissing() || options.force()) {
                continue;
            }
            String words = MemberContent.look(member.device(), blocking).words();
            if (!words.isEmpty()) {
                throw new IOException(
                        "volume %s: the spare %s holds %s; take it out, or write force: true to give that up"
                                .formatted(volume, member.name(), words));
            }
        }
    }

    /// Gives roles whose members are missing to those that cannot be opened, by their last place.
    void nameMissing(List<Leg> legs) {
        for (Leg leg : legs) {
            LayoutMember found =
                    leg.device() == null && leg.opened().opener() == null && !leg.isVacant()
                            ? takeMissing(leg.name())
                            : null;
            if (found != null) {
                leg.setMember(LegMember.missing(found, leg.member().uuid()));
                leg.setAway(true);
            }
        }
    }

    private LayoutMember takeMissing(String place) {
        for (LayoutMember member : left) {
            if (member.isMissing() && member.name().equals(place)) {
                left.remove(member);
                return member;
            }
        }
        return null;
    }

    /// The spares of an array that starts: those that are here, and those that are missing.
    List<Spare> spares(Superblock freshest, List<Here> here) {
        List<Spare> found = new ArrayList<>();
        for (MemberEntry entry : freshest.members()) {
            if (entry.state() != MemberState.SPARE) {
                continue;
            }
            Spare spare = spareOf(entry, here);
            if (spare != null) {
                found.add(spare);
            }
        }
        return found;
    }

    private Spare spareOf(MemberEntry entry, List<Here> here) {
        Instant since = Instant.ofEpochMilli(entry.sinceMillis());
        for (Here one : here) {
            Superblock carried = one.slots.current();
            if (carried.member().equals(entry.member())) {
                return new Spare(
                        memberOf(one.member, entry.member(), carried.areas()),
                        new Superblocks.Seat(one.slots, carried.areas()),
                        since);
            }
        }
        if (left.stream().anyMatch(one -> !one.isMissing() && entry.isPlace(one.name()))) {
            return null; // another disk is at its place, and becomes a spare of its own
        }
        LayoutMember missing = takeMissing(entry.place());
        if (missing == null) {
            missing =
                    LayoutMember.missing(
                            entry.place(),
                            Locality.REMOTE,
                            "missing at start; last seen as " + entry.place());
        }
        return new Spare(LegMember.missing(missing, entry.member()), null, since);
    }

    /// A spare holds nothing yet, so nothing of it is lost: a damaged list is begun anew.
    private LegMember memberOf(LayoutMember opened, UUID uuid, MemberAreas areas) {
        LegMember member = LegMember.of(opened, uuid, areas, blocking, doubt);
        if (member.listProblem() == null) {
            return member;
        }
        LOG.warn("volume {}: the spare {}: {}", volume, opened.name(), member.listProblem());
        try {
            return member.withNewList(areas, blocking);
        } catch (IOException e) {
            LOG.warn("volume {}: {}", volume, e.getMessage());
            return member; // it gets no role
        }
    }

    /// Makes spares of those that are left, if they carry nothing, or of a new array if the user
    /// gives that up. What cannot be one is left out.
    void addTo(RedundantArray array, boolean isNew) {
        for (LayoutMember member : left) {
            if (member.isMissing()) {
                LOG.warn(
                        "volume {}: the spare {} cannot be opened: {}; uvol add it when it can",
                        volume,
                        member.name(),
                        member.problem());
                continue;
            }
            try {
                array.addSpare(member, options.force() && isNew);
            } catch (IOException e) {
                member.device().close();
                LOG.warn("{}; it is left out", e.getMessage());
            }
        }
        left.clear();
    }
}

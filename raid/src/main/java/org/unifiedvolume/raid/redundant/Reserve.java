package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The members of an array that have no role: spares, which wait for one, and replacements, which
/// are filled beside the leg whose place they will take.
///
/// Guarded by the lock of [Legs], where each change of it is a change of states.
final class Reserve {
    private static final Logger LOG = LoggerFactory.getLogger(Reserve.class);

    private final String volume;
    private final Legs legs;
    private List<Spare> spares = List.of();
    private volatile List<Replacement> replacements = List.of();

    Reserve(String volume, Legs legs) {
        this.volume = volume;
        this.legs = legs;
    }

    /// Who is there when the array begins; before that.
    void begin(List<Spare> waiting, List<Replacement> resumed) {
        spares = List.copyOf(waiting);
        replacements = List.copyOf(resumed);
    }

    /// The members that wait for a role.
    List<Spare> spares() {
        return legs.look(() -> spares);
    }

    /// The members that are being filled to take the place of complete ones. Any thread.
    List<Replacement> replacements() {
        return replacements;
    }

    /// The replacement of a leg's member; null if there is none.
    Replacement replacementOf(Leg leg) {
        for (Replacement replacement : replacements) {
            if (replacement.leg() == leg) {
                return replacement;
            }
        }
        return null;
    }

    /// A member takes a complete leg's changes from now on, to take its place later; on disk when
    /// this returns.
    void replace(Replacement replacement) throws IOException {
        legs.record(
                () -> {
                    Leg leg = replacement.leg();
                    if (!leg.state().isComplete() || replacementOf(leg) != null) {
                        throw new IOException(
                                "volume %s: %s has failed, or is being replaced, just now"
                                        .formatted(volume, leg.name()));
                    }
                    replacements = with(replacements, replacement);
                });
    }

    /// How far a replacement is filled goes into the superblocks.
    void checkpoint(Replacement replacement, long filledBytes) {
        legs.changeIf(
                () -> {
                    boolean isHere = replacements.contains(replacement);
                    if (isHere) {
                        replacement.setFilledBytes(filledBytes);
                    }
                    return isHere;
                });
    }

    /// A replacement will not take a leg's place: the leg keeps it.
    ///
    /// @return whether it was still to
    boolean abandon(Replacement replacement, String why) {
        return legs.changeIf(
                () -> {
                    boolean isHere = leave(replacement);
                    if (isHere) {
                        LOG.error(
                                "volume {}: {} does not take the place of {}: {}",
                                volume,
                                replacement.name(),
                                replacement.leg().name(),
                                why);
                    }
                    return isHere;
                });
    }

    /// A member waits for a role from now on, or waits no more; on disk when this returns.
    ///
    /// @param gone null if none goes
    /// @param added null if none comes
    void changeSpares(Spare gone, Spare added) throws IOException {
        legs.record(
                () -> {
                    spares = without(spares, gone);
                    spares = added == null ? spares : with(spares, added);
                });
    }

    /// A spare is known by another look at it; nothing that superblocks say changes.
    void reopened(Spare before, Spare now) {
        legs.look(
                () -> {
                    spares = spares.stream().map(one -> one.equals(before) ? now : one).toList();
                    return null;
                });
    }

    /// Under the lock: a replacement is none any more.
    ///
    /// @return whether it was one
    boolean leave(Replacement replacement) {
        if (!replacements.contains(replacement)) {
            return false;
        }
        replacements = without(replacements, replacement);
        replacement.end();
        return true;
    }

    /// Under the lock: a member is about to be given the role of a leg, and waits no more.
    ///
    /// @return what it was, if it was this leg's replacement; else null
    Replacement enlist(Leg leg, LegMember member) {
        spares = spares.stream().filter(spare -> !spare.isMember(member)).toList();
        Replacement successor = replacementOf(leg);
        if (successor == null || !successor.member().uuid().equals(member.uuid())) {
            return null;
        }
        leave(successor);
        return successor;
    }

    /// Under the lock: a member holds the superblock of a count of events.
    void recorded(UUID member, long ofEvents) {
        for (Replacement replacement : replacements) {
            if (replacement.member().uuid().equals(member)) {
                replacement.recorded(ofEvents);
            }
        }
    }

    /// Under the lock: what superblocks say of them.
    List<ArrayState.Entry> entries() {
        List<ArrayState.Entry> entries = new ArrayList<>();
        replacements.forEach(replacement -> entries.add(replacement.entry()));
        spares.forEach(spare -> entries.add(spare.entry()));
        return entries;
    }

    private static <T> List<T> with(List<T> some, T one) {
        List<T> all = new ArrayList<>(some);
        all.add(one);
        return List.copyOf(all);
    }

    private static <T> List<T> without(List<T> some, T one) {
        List<T> all = new ArrayList<>(some);
        all.remove(one);
        return List.copyOf(all);
    }
}

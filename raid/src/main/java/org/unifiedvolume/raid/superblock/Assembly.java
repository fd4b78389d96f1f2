package org.unifiedvolume.raid.superblock;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.LongPredicate;
import org.unifiedvolume.raid.superblock.Verdict.Seat;
import org.unifiedvolume.raid.superblock.Verdict.Successor;

/// Decides which members of an array are good when it starts, from what they carry
/// ([decision 015](../../../../../../../../docs/decisions/015-who-may-start-without-whom.md)).
///
/// Refuses whatever could show old bytes as good ones; each refusal names the remedy.
public final class Assembly {
    private static final Comparator<Candidate> LATEST_FIRST =
            Comparator.comparingLong((Candidate one) -> one.superblock().epoch().number())
                    .thenComparingLong(one -> one.superblock().events())
                    .thenComparingLong(one -> one.superblock().updatedMicros())
                    .reversed();

    private static final String VOUCHED = "true";

    private final String volume;
    private final List<Candidate> candidates;
    private final Witness witness;
    private final String vouched;
    private final String preferred;
    private final List<String> remarks = new ArrayList<>();
    private boolean sideWasChosen;

    /// @param witness what this host remembers; null if nothing
    /// @param vouched the user's word that nobody went on with missing members; empty if it was not
    ///     given. `true` counts on a host that has never had the array; after that only the name of
    ///     the very state counts for which it was asked, so that a word left in the configuration
    ///     vouches for nothing else
    /// @param preferred the member whose side is right if there are two; null if none was named.
    ///     While there is one side only it says nothing, so that it may stay in the configuration
    public Assembly(
            String volume,
            List<Candidate> candidates,
            Witness witness,
            String vouched,
            String preferred) {
        this.volume = volume;
        this.candidates = List.copyOf(candidates);
        this.witness = witness;
        this.vouched = vouched;
        this.preferred = preferred;
    }

    /// What the members that carry something are members of; null if none carries anything.
    ///
    /// @throws AssemblyFault if they are of different arrays, or one is there twice
    public ArrayDescription identify() throws AssemblyFault {
        Candidate latest = null;
        Map<UUID, String> seen = new HashMap<>();
        for (Candidate candidate : candidates) {
            if (candidate.superblock() == null) {
                continue;
            }
            ArrayDescription array = latest == null ? null : latest.superblock().array();
            ArrayDescription other = candidate.superblock().array();
            if (array != null && !array.uuid().equals(other.uuid())) {
                throw new AssemblyFault(
                        ("volume %s: %s is a member of array %s (%s), but %s of array %s (%s). Take"
                                        + " one of them out; or, to give up what is on it, uvol"
                                        + " zero-superblock it")
                                .formatted(
                                        volume,
                                        latest.name(),
                                        array.name(),
                                        array.uuid(),
                                        candidate.name(),
                                        other.name(),
                                        other.uuid()));
            }
            String twin = seen.put(candidate.superblock().member(), candidate.name());
            if (twin != null) {
                throw new AssemblyFault(
                        ("volume %s: %s and %s are the same member: one is a copy of the other, or"
                                        + " both names lead to one device. Take one of them out")
                                .formatted(volume, twin, candidate.name()));
            }
            if (latest == null || LATEST_FIRST.compare(candidate, latest) < 0) {
                latest = candidate;
            }
        }
        return latest == null ? null : latest.superblock().array();
    }

    /// Decides who is good.
    ///
    /// @param isEnough whether the array works when just these roles are complete
    /// @throws AssemblyFault if the array must not start
    public Verdict decide(LongPredicate isEnough) throws AssemblyFault {
        Superblock freshest = freshest();
        List<Seat> seats = new ArrayList<>();
        long complete = 0;
        long missing = 0;
        long absent = 0;
        for (int role = 0; role < freshest.array().roles(); role++) {
            MemberEntry entry = freshest.entryOf(role);
            Seat seat = seat(freshest, entry);
            seats.add(seat);
            // A rebuild that F knows of may have ended since, and F's member may have been lost
            // then.
            boolean mayHaveBeenComplete = entry.state() != MemberState.STALE;
            if (seat.state() == MemberState.IN_SYNC) {
                complete |= 1L << role;
            } else if (seat.candidate() < 0 && entry.state() != MemberState.REMOVED) {
                // Whoever is given a removed member's role since has its bytes from members that
                // hold a later superblock: it could not go on without one of them being absent.
                absent |= 1L << role;
                missing |= mayHaveBeenComplete ? 1L << role : 0;
            } else if (seat.candidate() >= 0 && isSetBack(seat, entry)) {
                // It is here, but not what it was: the array may have gone on with what it was.
                absent |= 1L << role;
            }
        }
        if (!isEnough.test(complete)) {
            throw tooFew(freshest, seats);
        }
        // One that was to replace a complete member takes its role in one state, of which the old
        // one
        // need not know: after that it counts without any state that would have told the others.
        for (MemberEntry entry : lostSuccessors(freshest)) {
            absent |= 1L << entry.role();
            missing |= 1L << entry.role();
        }
        checkNobodyWentOn(freshest, missing, absent, isEnough);
        List<Successor> successors = successors(freshest, seats);
        return new Verdict(
                freshest, seats, blanks(freshest), spares(freshest), successors, remarks);
    }

    /// The members that follow complete ones. Where the one to be replaced is complete no more, the
    /// one that was to replace it has the role now: it lacks no more than what is marked in the
    /// bitmap, as no bit is cleared while it follows.
    private List<Successor> successors(Superblock freshest, List<Seat> seats) {
        List<Successor> found = new ArrayList<>();
        for (MemberEntry entry : freshest.members()) {
            if (entry.state() != MemberState.REPLACING) {
                continue;
            }
            int index = candidateOf(entry);
            Superblock carried = index < 0 ? null : candidates.get(index).superblock();
            if (carried == null
                    || isOlderThanKnown(carried, entry)
                    || isOtherSide(freshest, carried)) {
                remarks.add(
                        "%s does not take the place of %s: it is %s"
                                .formatted(
                                        entry.place(),
                                        freshest.entryOf(entry.role()).place(),
                                        carried == null ? "missing" : "older than when last seen"));
            } else if (seats.get(entry.role()).state() == MemberState.IN_SYNC) {
                found.add(new Successor(index, entry));
            } else {
                seats.set(
                        entry.role(),
                        new Seat(
                                index,
                                MemberState.REBUILDING,
                                entry.filledBytes(),
                                "it takes the place of " + freshest.entryOf(entry.role()).place()));
            }
        }
        return found;
    }

    /// The members that follow complete ones, and are not here as they were.
    private List<MemberEntry> lostSuccessors(Superblock freshest) {
        return freshest.members().stream()
                .filter(entry -> entry.state() == MemberState.REPLACING)
                .filter(
                        entry -> {
                            int index = candidateOf(entry);
                            return index < 0
                                    || isOlderThanKnown(candidates.get(index).superblock(), entry);
                        })
                .toList();
    }

    /// The superblock that has all others in its past, or all of the side that the user chose.
    private Superblock freshest() throws AssemblyFault {
        List<Candidate> all =
                candidates.stream().filter(candidate -> candidate.superblock() != null).toList();
        if (all.isEmpty()) {
            throw new AssemblyFault("volume %s: no member carries a superblock".formatted(volume));
        }
        try {
            return freshestOf(all);
        } catch (AssemblyFault splitBrain) {
            if (preferred == null) {
                throw splitBrain;
            }
        }
        Superblock right = preferredSuperblock();
        sideWasChosen = true;
        return freshestOf(
                all.stream().filter(one -> one.superblock().hasLived(right.epoch())).toList());
    }

    private Superblock freshestOf(List<Candidate> from) throws AssemblyFault {
        List<Candidate> sides = new ArrayList<>(from);
        sides.sort(LATEST_FIRST);
        for (Candidate best : sides) {
            Candidate other = otherSide(best, sides);
            if (other == null) {
                return best.superblock();
            }
            if (!wasNeverInEffect(best.superblock())) {
                throw splitBrain(best, other);
            }
        }
        throw splitBrain(sides.getFirst(), otherSide(sides.getFirst(), sides));
    }

    /// A member that was written without another one, in an epoch that counts; null if there is
    /// none.
    private Candidate otherSide(Candidate one, List<Candidate> from) {
        for (Candidate other : from) {
            if (isOtherSide(one.superblock(), other.superblock())
                    && !wasNeverInEffect(other.superblock())) {
                return other;
            }
        }
        return null;
    }

    /// Whether the epoch of a member was begun, but never reached all members that were complete in
    /// it: then nothing was ever acknowledged that relied on it.
    private boolean wasNeverInEffect(Superblock begun) {
        for (Candidate candidate : candidates) {
            Superblock other = candidate.superblock();
            MemberEntry entry = other == null ? null : begun.entryOf(other.member());
            if (entry != null
                    && entry.state() == MemberState.IN_SYNC
                    && other.events() >= entry.knownEvents()
                    && !other.hasLived(begun.epoch())) {
                return true;
            }
        }
        return false;
    }

    private Superblock preferredSuperblock() throws AssemblyFault {
        for (Candidate candidate : candidates) {
            if (candidate.name().equals(preferred)) {
                if (candidate.superblock() == null) {
                    throw new AssemblyFault(
                            "volume %s: split brain, and the preferred member %s cannot be used: %s; make it reachable or prefer another one"
                                    .formatted(volume, preferred, reasonOf(candidate)));
                }
                return candidate.superblock();
            }
        }
        throw new AssemblyFault(
                "volume %s: split brain, and prefer: %s is none of its members; write one of %s"
                        .formatted(
                                volume,
                                preferred,
                                String.join(
                                        ", ", candidates.stream().map(Candidate::name).toList())));
    }

    private static String reasonOf(Candidate candidate) {
        return candidate.problem().isEmpty() ? "it carries no superblock" : candidate.problem();
    }

    /// Whether a member was written without the other. What is older than all that is remembered
    /// cannot be told; it is just stale.
    private static boolean isOtherSide(Superblock freshest, Superblock other) {
        return !freshest.hasLived(other.epoch()) && !hasForgotten(freshest, other.epoch());
    }

    /// Whether an epoch is so old that a superblock does not tell whether it lived it.
    private static boolean hasForgotten(Superblock superblock, Epoch epoch) {
        List<Epoch> history = superblock.history();
        return history.size() == Superblock.MAX_HISTORY
                && epoch.number() < history.getLast().number();
    }

    private AssemblyFault splitBrain(Candidate one, Candidate other) {
        return new AssemblyFault(
                ("volume %s: split brain: %s and %s were both written without the other: %s in epoch"
                                + " %s, event %d, last at %s; %s in epoch %s, event %d, last at %s."
                                + " Nobody but you can say which one is right: write prefer: with"
                                + " that one, and the others are given its bytes")
                        .formatted(
                                volume,
                                one.name(),
                                other.name(),
                                one.name(),
                                one.superblock().epoch(),
                                one.superblock().events(),
                                when(one.superblock()),
                                other.name(),
                                other.superblock().epoch(),
                                other.superblock().events(),
                                when(other.superblock())));
    }

    private static Instant when(Superblock superblock) {
        return Instant.ofEpochSecond(
                superblock.updatedMicros() / 1_000_000,
                superblock.updatedMicros() % 1_000_000 * 1000);
    }

    private Seat seat(Superblock freshest, MemberEntry entry) {
        if (entry.state() == MemberState.REMOVED) {
            return new Seat(
                    -1, MemberState.STALE, 0, "%s was removed by hand".formatted(entry.place()));
        }
        int index = candidateOf(entry);
        if (index < 0) {
            return new Seat(
                    -1,
                    MemberState.STALE,
                    entry.state() == MemberState.IN_SYNC
                            ? freshest.array().rowBytes()
                            : entry.filledBytes(),
                    "missing at start; last seen as " + entry.place());
        }
        Superblock carried = candidates.get(index).superblock();
        if (!freshest.hasLived(carried.epoch()) || isOtherSide(freshest, carried)) {
            return new Seat(index, MemberState.STALE, 0, "it was written without the others");
        }
        if (isOlderThanKnown(carried, entry)) {
            return new Seat(
                    index,
                    MemberState.STALE,
                    0,
                    "it is older than it was when last seen (event %d, not %d)"
                            .formatted(carried.events(), entry.knownEvents()));
        }
        return switch (entry.state()) {
            case IN_SYNC -> new Seat(index, MemberState.IN_SYNC, freshest.array().rowBytes(), "");
            case REBUILDING ->
                    new Seat(
                            index,
                            MemberState.REBUILDING,
                            entry.filledBytes(),
                            "its rebuild had not ended");
            case STALE, SPARE, REPLACING, REMOVED -> {
                boolean changesKnown = carried.events() >= freshest.clearedEvents();
                yield new Seat(
                        index,
                        MemberState.STALE,
                        changesKnown ? entry.filledBytes() : 0,
                        "it was out of use when the volume stopped");
            }
        };
    }

    /// Whether a member that has a role is older than another one has seen it.
    private boolean isSetBack(Seat seat, MemberEntry entry) {
        return isOlderThanKnown(candidates.get(seat.candidate()).superblock(), entry);
    }

    private static boolean isOlderThanKnown(Superblock carried, MemberEntry entry) {
        return carried.events() < entry.knownEvents();
    }

    /// Who carries the superblock of a member; -1 if nobody does.
    private int candidateOf(MemberEntry entry) {
        int index = -1;
        for (int i = 0; i < candidates.size(); i++) {
            Superblock carried = candidates.get(i).superblock();
            if (carried != null && carried.member().equals(entry.member())) {
                index = i;
            }
        }
        return index;
    }

    private AssemblyFault tooFew(Superblock freshest, List<Seat> seats) {
        StringBuilder lacking = new StringBuilder();
        for (int role = 0; role < seats.size(); role++) {
            Seat seat = seats.get(role);
            if (seat.state() == MemberState.IN_SYNC) {
                continue;
            }
            String name =
                    seat.candidate() < 0 ? "role " + role : candidates.get(seat.candidate()).name();
            lacking.append(lacking.isEmpty() ? "" : "; ").append(name);
            lacking.append(": ").append(seat.reason());
        }
        for (Candidate candidate : candidates) {
            if (candidate.superblock() == null) {
                lacking.append("; ").append(candidate.name());
                lacking.append(": ").append(reasonOf(candidate));
            }
        }
        return new AssemblyFault(
                ("volume %s: too few good members to start %s: %s. Make the missing ones reachable"
                                + " and start again")
                        .formatted(volume, freshest.array().levelName(), lacking));
    }

    /// Refuses if members that are not here may have gone on without those that are.
    ///
    /// @param missing the roles without a member that may have been complete when F was last
    ///     written
    /// @param absent all roles without a member, and those whose member was set back
    private void checkNobodyWentOn(
            Superblock freshest, long missing, long absent, LongPredicate isEnough)
            throws AssemblyFault {
        boolean isKnown = witness != null && witness.array().equals(freshest.array().uuid());
        // Within an epoch no complete member is lost: who was complete in it lacks nothing of it.
        // But a host remembers before it writes, so a later event than that is another host's, and
        // there the missing may have gone on.
        boolean isWitnessed =
                isKnown
                        && witness.epoch().equals(freshest.epoch())
                        && witness.events() >= freshest.events();
        boolean remembersLater = isKnown && remembersLater(freshest);
        long suspects = remembersLater ? absent : missing;
        if (sideWasChosen || isWitnessed || !isEnough.test(suspects)) {
            if (!vouched.isEmpty()) {
                remarks.add("degraded: is written and not needed; take it out");
            }
            return;
        }
        String state = "%016x-%d".formatted(freshest.epoch().id(), freshest.events());
        if (vouched.equals(state) || (vouched.equals(VOUCHED) && !isKnown)) {
            return;
        }
        throw new AssemblyFault(
                ("volume %s: %s is missing%s, and %s.%s Make it reachable and start again; or, if you"
                                + " are sure that it was not written alone, write degraded: %s")
                        .formatted(
                                volume,
                                placesOf(freshest, suspects),
                                (suspects & ~missing) == 0 ? "" : " or older than when last seen",
                                remembersLater
                                        ? "this host remembers that the array went on, in epoch %s, event %d"
                                                .formatted(witness.epoch(), witness.events())
                                        : "the array could have gone on with it alone, on a host"
                                                + " that this one knows nothing of",
                                vouched.isEmpty()
                                        ? ""
                                        : " degraded: %s does not count for that: it was given for an earlier start."
                                                .formatted(vouched),
                                isKnown ? state : VOUCHED));
    }

    private boolean remembersLater(Superblock freshest) {
        return !freshest.hasLived(witness.epoch()) && !hasForgotten(freshest, witness.epoch());
    }

    private String placesOf(Superblock freshest, long roles) {
        List<String> names = new ArrayList<>();
        for (int role = 0; role < freshest.array().roles(); role++) {
            MemberEntry entry = freshest.entryOf(role);
            boolean isHere =
                    candidateOf(entry) >= 0
                            && !isOlderThanKnown(
                                    candidates.get(candidateOf(entry)).superblock(), entry);
            if ((roles >> role & 1) != 0 && !isHere) {
                names.add(entry.place());
            }
        }
        for (MemberEntry entry : lostSuccessors(freshest)) {
            if ((roles >> entry.role() & 1) != 0) {
                names.add(entry.place());
            }
        }
        return String.join(" and ", names);
    }

    private List<Integer> spares(Superblock freshest) {
        List<Integer> found = new ArrayList<>();
        for (int i = 0; i < candidates.size(); i++) {
            Superblock carried = candidates.get(i).superblock();
            MemberEntry entry = carried == null ? null : freshest.entryOf(carried.member());
            if (entry != null && entry.state() == MemberState.SPARE) {
                found.add(i);
            }
        }
        return found;
    }

    /// The candidates that carry nothing; notes those that cannot be used.
    private List<Integer> blanks(Superblock freshest) {
        List<Integer> found = new ArrayList<>();
        for (int i = 0; i < candidates.size(); i++) {
            Candidate candidate = candidates.get(i);
            if (candidate.isBlank()) {
                found.add(i);
            } else if (candidate.superblock() == null) {
                remarks.add("%s: %s".formatted(candidate.name(), candidate.problem()));
            } else if (isTakenOut(freshest.entryOf(candidate.superblock().member()))) {
                remarks.add(
                        "%s was taken out of this array and is left out; uvol zero-superblock it to use it anew"
                                .formatted(candidate.name()));
            }
        }
        return found;
    }

    private static boolean isTakenOut(MemberEntry entry) {
        return entry == null || entry.state() == MemberState.REMOVED;
    }
}

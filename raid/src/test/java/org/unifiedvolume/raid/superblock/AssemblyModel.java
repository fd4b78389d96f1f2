package org.unifiedvolume.raid.superblock;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.LongPredicate;
import java.util.random.RandomGenerator;
import org.unifiedvolume.raid.superblock.Verdict.Seat;

/// An array as its promises see it: members that hold writes and a superblock, hosts that remember,
/// and the rule that a write is acknowledged once every complete member has it.
///
/// Runs may be killed between any two superblocks.
final class AssemblyModel {
    /// A member: what is on it.
    static final class Member {
        final BitSet writes = new BitSet();
        Superblock superblock;

        Member copy() {
            Member copy = new Member();
            copy.writes.or(writes);
            copy.superblock = superblock;
            return copy;
        }
    }

    private final RandomGenerator random;
    private final LongPredicate isEnough;
    final List<Member> members = new ArrayList<>();
    final Witness[] hosts = new Witness[2];
    final BitSet acknowledged = new BitSet();

    /// Writes whose regions may be marked in the bitmap.
    private final BitSet dirty = new BitSet();

    private final Member[] snapshots;
    private int writes;
    private int wholeSaveBy = -1;

    // The run under way.
    private int host;
    private final MemberState[] states;
    private final boolean[] here;
    private final long[] known;

    /// Whether a member holds all that is not marked in the bitmap.
    private final boolean[] filled;
    private long events;
    private long cleared;
    private Epoch epoch;
    private final List<Epoch> history = new ArrayList<>();
    private long completeBefore;

    AssemblyModel(RandomGenerator random, int roles, LongPredicate isEnough) {
        this.random = random;
        this.isEnough = isEnough;
        this.states = new MemberState[roles];
        this.here = new boolean[roles];
        this.known = new long[roles];
        filled = new boolean[roles];
        this.snapshots = new Member[roles];
        this.epoch = new Epoch(1, random.nextLong());
        for (int role = 0; role < roles; role++) {
            members.add(new Member());
            states[role] = MemberState.IN_SYNC;
            filled[role] = true;
        }
        for (int role = 0; role < roles; role++) {
            members.get(role).superblock = superblock(role);
        }
        completeBefore = complete();
    }

    int roles() {
        return states.length;
    }

    static String name(int role) {
        return "m" + role;
    }

    private long complete() {
        long found = 0;
        for (int role = 0; role < states.length; role++) {
            found |= states[role] == MemberState.IN_SYNC ? 1L << role : 0;
        }
        return found;
    }

    private boolean takesChanges(int role) {
        return here[role] && states[role] != MemberState.STALE;
    }

    /// The roles that hold everything that was acknowledged.
    long holders() {
        long found = 0;
        for (int role = 0; role < roles(); role++) {
            found |= holds(role, acknowledged) ? 1L << role : 0;
        }
        return found;
    }

    private boolean holds(int role, BitSet wanted) {
        BitSet lacking = (BitSet) wanted.clone();
        lacking.andNot(members.get(role).writes);
        return lacking.isEmpty();
    }

    /// Fails unless what a verdict says of each member is true.
    void check(Verdict verdict) {
        for (int role = 0; role < roles(); role++) {
            Seat seat = verdict.seats().get(role);
            if (seat.candidate() < 0) {
                continue;
            }
            if (seat.state() == MemberState.IN_SYNC && !holds(role, acknowledged)) {
                throw new AssertionError(name(role) + " lacks a write, but is taken for good");
            }
            BitSet unmarked = (BitSet) acknowledged.clone();
            unmarked.andNot(dirty);
            if (seat.state() == MemberState.STALE
                    && seat.filledBytes() > 0
                    && !holds(role, unmarked)) {
                throw new AssertionError(name(role) + " lacks more than the bitmap knows");
            }
        }
    }

    /// What the candidates that are reachable carry.
    List<Candidate> candidates(long reachable) {
        List<Candidate> found = new ArrayList<>();
        for (int role = 0; role < roles(); role++) {
            boolean isHere = (reachable >> role & 1) != 0;
            found.add(
                    new Candidate(
                            name(role),
                            isHere ? members.get(role).superblock : null,
                            isHere ? "" : "no route to host"));
        }
        return found;
    }

    /// Starts as a verdict says, works for a while, and ends: stopped or killed anywhere.
    ///
    /// @param byOrder whether the user overruled: what the good members lack is given up
    void run(Verdict verdict, int onHost, boolean byOrder) {
        host = onHost;
        Superblock freshest = verdict.freshest();
        events = 0;
        for (Member member : members) {
            events = Math.max(events, member.superblock.events());
        }
        cleared = freshest.clearedEvents();
        epoch = freshest.epoch();
        history.clear();
        history.addAll(freshest.history());
        completeBefore = 0;
        for (int role = 0; role < roles(); role++) {
            MemberEntry entry = freshest.entryOf(role);
            Seat seat = verdict.seats().get(role);
            here[role] = seat.candidate() >= 0;
            states[role] = here[role] ? seat.state() : MemberState.STALE;
            known[role] = entry.knownEvents();
            filled[role] = seat.filledBytes() > 0;
            completeBefore |= 1L << role; // a start without one of them is a new epoch
            if (byOrder && states[role] == MemberState.IN_SYNC) {
                acknowledged.and(members.get(role).writes);
            }
        }
        if (byOrder) {
            // Whoever overrules sees to it that no other host starts what it remembers.
            hosts[1 - host] = null;
        }
        boolean alive = saved();
        for (int steps = random.nextInt(12); alive && steps > 0; steps--) {
            alive = step();
        }
        if (alive && random.nextBoolean()) {
            saved();
        }
    }

    private boolean step() {
        int role = random.nextInt(roles());
        return switch (random.nextInt(5)) {
            case 0 -> dropped(role);
            case 1 -> returned(role);
            case 2 -> {
                if (Long.bitCount(complete()) == roles()) {
                    dirty.clear();
                }
                yield true;
            }
            default -> written(random.nextInt(4) == 0 ? role : -1);
        };
    }

    /// @param failing the member that does not take it; -1 if all do
    /// @return whether the run goes on
    private boolean written(int failing) {
        int write = writes++;
        dirty.set(write);
        for (int role = 0; role < roles(); role++) {
            if (takesChanges(role) && role != failing) {
                if (random.nextInt(60) == 0) {
                    return false; // killed between two members
                }
                members.get(role).writes.set(write);
            }
        }
        if (failing >= 0 && takesChanges(failing)) {
            long others = complete() & ~(1L << failing);
            if (!isEnough.test(others)) {
                return false;
            }
            if (!dropped(failing)) {
                return false;
            }
        }
        acknowledged.set(write);
        return true;
    }

    private boolean dropped(int role) {
        if (states[role] == MemberState.STALE || !isEnough.test(complete() & ~(1L << role))) {
            return true;
        }
        states[role] = MemberState.STALE;
        return saved();
    }

    private boolean returned(int role) {
        if (!here[role] || states[role] == MemberState.IN_SYNC) {
            return true;
        }
        states[role] = MemberState.REBUILDING;
        filled[role] = false;
        if (!saved()) {
            return false; // killed
        }
        if (states[role] != MemberState.REBUILDING) {
            return true; // dropped again: it did not take its superblock
        }
        if (random.nextInt(4) == 0) {
            return random.nextBoolean();
        }
        int source = Long.numberOfTrailingZeros(complete() & takers());
        members.get(role).writes.or(members.get(source).writes);
        states[role] = MemberState.IN_SYNC;
        filled[role] = true;
        return saved();
    }

    private long takers() {
        long found = 0;
        for (int role = 0; role < roles(); role++) {
            found |= takesChanges(role) ? 1L << role : 0;
        }
        return found;
    }

    /// Brings a new state to the host's memory, then to the superblocks.
    ///
    /// @return whether the run was not killed meanwhile
    private boolean saved() {
        wholeSaveBy = -1;
        events++;
        if ((completeBefore & ~complete()) != 0) {
            history.addFirst(epoch);
            if (history.size() > Superblock.MAX_HISTORY) {
                history.removeLast();
            }
            epoch = new Epoch(epoch.number() + 1, random.nextLong());
        }
        completeBefore = complete();
        if (Long.bitCount(complete()) == roles()) {
            cleared = events;
        }
        hosts[host] = new Witness(Samples.ARRAY, epoch, events);
        Superblock[] written = new Superblock[roles()];
        for (int role = 0; role < roles(); role++) {
            written[role] = superblock(role);
        }
        boolean failed = false;
        for (int role = 0; role < roles(); role++) {
            if (!takesChanges(role)) {
                continue;
            }
            int luck = random.nextInt(60);
            if (luck == 0) {
                return false; // killed between two members
            }
            long others = complete() & ~(1L << role);
            if (luck == 1 && isEnough.test(others)) {
                states[role] = MemberState.STALE;
                failed = true;
                continue;
            }
            members.get(role).superblock = written[role];
            known[role] = events;
        }
        if (failed) {
            return saved();
        }
        wholeSaveBy = host;
        if (random.nextInt(8) == 0) {
            int role = random.nextInt(roles());
            snapshots[role] = members.get(role).copy();
        }
        return true;
    }

    /// Puts an old copy in a member's place, if the others that are here know that it is old.
    ///
    /// @return the member that was there; null if nothing was done
    Member restoreOld(int role, long reachable) {
        Member old = snapshots[role];
        Superblock best = null;
        for (int other = 0; other < roles(); other++) {
            Superblock carried = members.get(other).superblock;
            boolean isHere = (reachable >> other & 1) != 0 && other != role;
            best = isHere && (best == null || carried.events() > best.events()) ? carried : best;
        }
        if (old == null
                || best == null
                || best.events() < members.get(role).superblock.events()
                || best.entryOf(role).knownEvents() <= old.superblock.events()) {
            return null;
        }
        Member replaced = members.get(role);
        members.set(role, old.copy());
        return replaced;
    }

    /// Whether the last save of all was whole, and this host's.
    boolean wasSavedBy(int byHost) {
        return wholeSaveBy == byHost;
    }

    boolean wasSaved() {
        return wholeSaveBy >= 0;
    }

    /// Who had the array last.
    int lastHost() {
        return host;
    }

    /// The roles that were complete in the end.
    long lastComplete() {
        return completeBefore;
    }

    private Superblock superblock(int ofRole) {
        long rows = 1 << 20;
        List<MemberEntry> entries = new ArrayList<>();
        for (int role = 0; role < roles(); role++) {
            entries.add(
                    new MemberEntry(
                            Samples.member(role),
                            role,
                            states[role],
                            0,
                            known[role],
                            filled[role] ? rows : 0,
                            "nbd://" + name(role)));
        }
        return new Superblock(
                new ArrayDescription(Samples.ARRAY, "media", 1, roles(), 0, rows, rows, roles(), 0),
                Samples.member(ofRole),
                ofRole,
                MemberLayout.plan(
                        Samples.MEMBER_BYTES,
                        MetadataPlace.START,
                        new MemberLayout.Wishes(true, 0, false)),
                events,
                epoch,
                history,
                events,
                false,
                0,
                cleared,
                entries);
    }
}

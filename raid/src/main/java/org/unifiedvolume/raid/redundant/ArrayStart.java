package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.raid.array.CommonShape;
import org.unifiedvolume.raid.bitmap.WriteIntentBitmap;
import org.unifiedvolume.raid.integrity.IntegrityLayer;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.raid.superblock.Assembly;
import org.unifiedvolume.raid.superblock.KnownContent;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.raid.superblock.MemberEntry;
import org.unifiedvolume.raid.superblock.MemberLayout;
import org.unifiedvolume.raid.superblock.MemberState;
import org.unifiedvolume.raid.superblock.MetadataPlace;
import org.unifiedvolume.raid.superblock.Superblock;
import org.unifiedvolume.raid.superblock.SuperblockSlots;
import org.unifiedvolume.raid.superblock.Verdict;
import org.unifiedvolume.raid.superblock.Verdict.Seat;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.spi.LayoutContext;
import org.unifiedvolume.spi.LayoutMember;

/// Puts an array together from its members: blank ones are made into a new array, those that carry
/// superblocks are what these say. Blocks.
public final class ArrayStart {
    private static final Logger LOG = LoggerFactory.getLogger(ArrayStart.class);

    private final String volume;

    /// As the user wrote them.
    private final List<LayoutMember> written;

    private final WaitingMembers waiting;
    private final UnknownLosses losses;

    /// All that may have a role: those that are written, and spares that carry a superblock of the
    /// array, as a spare may have been given a role since.
    private final List<LayoutMember> members = new ArrayList<>();

    private final LevelPlan plan;
    private final ArrayOptions options;
    private final Surroundings surroundings;
    private final BlockingLegs blocking;
    private final ArrayDoubt doubt = new ArrayDoubt();
    private final List<SuperblockSlots> slots = new ArrayList<>();

    /// @param spares members that wait for a role
    public ArrayStart(
            List<LayoutMember> members,
            List<LayoutMember> spares,
            LevelPlan plan,
            ArrayOptions options,
            LayoutContext context,
            Surroundings surroundings) {
        this.volume = context.volume();
        this.written = List.copyOf(members);
        this.plan = plan;
        this.options = options;
        this.surroundings = surroundings;
        this.blocking = new BlockingLegs(context.io(), surroundings.threads());
        this.losses = new UnknownLosses(volume, options.force());
        this.waiting = new WaitingMembers(volume, spares, options, blocking, doubt);
    }

    /// Makes one device of the members.
    ///
    /// @throws IOException if they do not fit together or could show old bytes, saying what to do
    public RedundantArray open() throws IOException {
        List<LookedAt> looked = look();
        Assembly assembly =
                new Assembly(
                        volume,
                        looked.stream().map(LookedAt::candidate).toList(),
                        surroundings.witness().load(),
                        options.degraded(),
                        options.preferred());
        ArrayDescription found = assembly.identify();
        if (found == null || LookedAt.areUnfinished(looked)) {
            LookedAt.checkNothingUnusable(volume, looked);
            waiting.checkBlank();
            Verdict made =
                    new NewArray(volume, written, plan, options, blocking, surroundings).make();
            look();
            return withSpares(assemble(made, true), true);
        }
        checkWritable();
        plan.check(found);
        tellHowMany(found);
        checkIntegrity(looked, found);
        Level level = plan.make(found, new MemberAreas[found.roles()]);
        checkBehind(level, looked, found);
        Verdict verdict = assembly.decide(level::isEnough);
        verdict.remarks().forEach(remark -> LOG.warn("volume {}: {}", volume, remark));
        return withSpares(assemble(seatBlanks(verdict), false), false);
    }

    /// A mirror may have got more legs than are written, or fewer, since somebody wrote them: its
    /// superblocks are right, and what is written says where to look.
    private void tellHowMany(ArrayDescription found) {
        if (written.size() > found.roles()) {
            LOG.warn(
                    "volume {}: {} members are written, and the array has {} legs: those that are none of them are left out; take them out of the configuration, or uvol grow {} --legs {}",
                    volume,
                    written.size(),
                    found.roles(),
                    volume,
                    written.size());
        } else if (written.size() < found.roles()) {
            LOG.warn(
                    "volume {}: {} members are written, and the array has {} legs: write the others, too",
                    volume,
                    written.size(),
                    found.roles());
        }
    }

    /// Whether a new array can be made of the members, whatever they carry; nothing is written.
    public void checkNew() throws IOException {
        new NewArray(volume, written, plan, options, blocking, surroundings).check();
    }

    /// Makes spares of those that wait and carry nothing yet.
    private RedundantArray withSpares(RedundantArray array, boolean isNew) {
        waiting.addTo(array, isNew);
        return array;
    }

    /// Reads what each member carries, and takes in the spares that belong to the same array.
    private List<LookedAt> look() {
        members.clear();
        slots.clear();
        List<LookedAt> found = new ArrayList<>();
        UUID array = null;
        for (LayoutMember member : written) {
            Superblock superblock = look(member, found);
            array = array == null && superblock != null ? superblock.array().uuid() : array;
        }
        for (LayoutMember spare : waiting.membersOf(array)) {
            look(spare, found);
        }
        return found;
    }

    private Superblock look(LayoutMember member, List<LookedAt> found) {
        LookedAt looked = LookedAt.at(member, options.metadata(), blocking);
        members.add(member);
        slots.add(looked.slots());
        found.add(looked);
        return looked.superblock();
    }

    private void checkWritable() throws IOException {
        for (LayoutMember member : members) {
            if (!member.isMissing()) {
                NewMember.checkWritable(volume, member);
            }
        }
    }

    /// Who asks for checksums shall not believe that there are some.
    private void checkIntegrity(List<LookedAt> looked, ArrayDescription found) throws IOException {
        if (options.integrity() && isAnyWithChecksums(looked, found, false)) {
            throw new IOException(
                    ("volume %s: integrity: crc32c is written, but the array was made without"
                                    + " checksums; leave that out, or copy the data to an array"
                                    + " that is made with them")
                            .formatted(volume));
        }
    }

    /// The simulation has not shown yet that legs which are behind and checksums together keep
    /// their promises.
    private void checkBehind(Level level, List<LookedAt> looked, ArrayDescription found)
            throws IOException {
        if (!level.behind().names().isEmpty() && isAnyWithChecksums(looked, found, true)) {
            throw new IOException(
                    "volume %s: write-behind is not for arrays with checksums; write write-mostly: in its place"
                            .formatted(volume));
        }
    }

    private static boolean isAnyWithChecksums(
            List<LookedAt> looked, ArrayDescription found, boolean hasThem) {
        return looked.stream()
                .map(LookedAt::superblock)
                .filter(carried -> carried != null)
                .filter(carried -> carried.array().uuid().equals(found.uuid()))
                .anyMatch(carried -> carried.areas().checksums().isPresent() == hasThem);
    }

    /// A blank member takes the place of one that is missing, if no other could be meant. A member
    /// that was removed by hand is not taken in again because it is still written.
    ///
    /// @throws IOException if one that would be filled holds something
    private Verdict seatBlanks(Verdict verdict) throws IOException {
        List<Integer> empty = new ArrayList<>();
        for (int role = 0; role < verdict.seats().size(); role++) {
            if (verdict.seats().get(role).candidate() < 0) {
                empty.add(role);
            }
        }
        List<Integer> blanks = new ArrayList<>(verdict.blanks());
        if (written.size() > verdict.seats().size()) {
            return verdict; // which of them is meant nobody can say
        }
        blanks.removeIf(blank -> wasRemoved(members.get(blank), verdict.freshest()));
        if (blanks.isEmpty()) {
            return verdict;
        }
        if (blanks.size() != empty.size()) {
            for (int blank : blanks) {
                LOG.warn(
                        "volume {}: {} is blank and not used: {} roles are without a member",
                        volume,
                        members.get(blank).name(),
                        empty.size());
            }
            return verdict;
        }
        List<Seat> seats = new ArrayList<>(verdict.seats());
        for (int i = 0; i < empty.size(); i++) {
            int blank = blanks.get(i);
            checkHoldsNothing(members.get(blank));
            LOG.warn(
                    "volume {}: {} is blank and takes the place of {}",
                    volume,
                    members.get(blank).name(),
                    verdict.freshest().entryOf((int) empty.get(i)).place());
            seats.set(
                    empty.get(i),
                    new Seat(blank, MemberState.REBUILDING, 0, "it is new in the array"));
        }
        return verdict.withSeats(seats);
    }

    /// A member without a superblock may be somebody's disk that was written here by mistake. Bytes
    /// of no known kind are what a member leaves that was being prepared when the process ended.
    private void checkHoldsNothing(LayoutMember member) throws IOException {
        if (options.force()) {
            return;
        }
        String words;
        try {
            words = MemberContent.look(member.device(), blocking).words();
        } catch (IOException e) {
            LOG.warn("volume {}: what is on it is not known: {}", volume, e.getMessage());
            return; // no filesystem can be read from there either
        }
        if (!words.isEmpty() && !words.equals(KnownContent.UNKNOWN)) {
            throw new IOException(
                    ("volume %s: %s is none of the array's members and holds %s, which would be"
                                    + " overwritten: take it out; or write force: true to give that"
                                    + " up")
                            .formatted(volume, member.name(), words));
        }
    }

    private boolean wasRemoved(LayoutMember member, Superblock freshest) {
        boolean removed =
                freshest.members().stream()
                        .anyMatch(
                                entry ->
                                        entry.state() == MemberState.REMOVED
                                                && entry.isPlace(member.name()));
        if (removed) {
            LOG.warn(
                    "volume {}: {} was removed by hand and is left out; take it out of the configuration, or uvol add it",
                    volume,
                    member.name());
        }
        return removed;
    }

    private RedundantArray assemble(Verdict verdict, boolean isNew) throws IOException {
        Superblock freshest = verdict.freshest();
        ArrayDescription array = freshest.array();
        Map<UUID, Superblocks.Seat> seats = new HashMap<>();
        MemberAreas[] areas = new MemberAreas[array.roles()];
        List<Leg> legs = new ArrayList<>();
        boolean[] used = new boolean[members.size()];
        for (int role = 0; role < array.roles(); role++) {
            Seat seat = verdict.seats().get(role);
            MemberEntry entry = freshest.entryOf(role);
            if (seat.candidate() >= 0) {
                used[seat.candidate()] = true;
                areas[role] = areasOf(seat.candidate(), freshest);
            }
            Leg leg = legOf(role, seat, entry, areas[role]);
            legs.add(leg);
            if (seat.candidate() >= 0) {
                SuperblockSlots carried = slots.get(seat.candidate());
                seats.put(leg.member().uuid(), new Superblocks.Seat(carried, areas[role]));
            }
            if (seat.candidate() >= 0 && seat.state() == MemberState.STALE) {
                leg.forgive(); // its own epoch does not count, should it have one
            }
        }
        nameMissing(legs, used);
        waiting.nameMissing(legs);
        Superblocks superblocks =
                new Superblocks(
                        volume,
                        array,
                        freshest.areas().regionBytes(),
                        seats,
                        surroundings.witness(),
                        surroundings.nowMillis());
        List<Spare> spares = waiting.spares(freshest, spareSeats(verdict, used));
        List<Replacement> replacements = new ArrayList<>();
        for (Verdict.Successor successor : verdict.successors()) {
            Replacement resumed = replacementOf(successor, legs, superblocks);
            if (resumed != null) {
                used[successor.candidate()] = true;
                replacements.add(resumed);
            }
        }
        closeUnused(used);
        return connect(verdict, isNew, superblocks, areas, legs, spares, replacements);
    }

    /// Null if it cannot go on.
    private Replacement replacementOf(
            Verdict.Successor successor, List<Leg> legs, Superblocks superblocks) {
        MemberEntry entry = successor.entry();
        SuperblockSlots carried = slots.get(successor.candidate());
        MemberAreas areas = carried.current().areas();
        LegMember member =
                LegMember.of(
                        members.get(successor.candidate()), entry.member(), areas, blocking, doubt);
        if (member.listProblem() != null) {
            LOG.warn(
                    "volume {}: {} does not go on to take the place of {}: {}; uvol zero-superblock it and replace again",
                    volume,
                    member.name(),
                    legs.get(entry.role()).name(),
                    member.listProblem());
            return null;
        }
        superblocks.setSeat(member, new Superblocks.Seat(carried, areas));
        return new Replacement(
                legs.get(entry.role()),
                member,
                Instant.ofEpochMilli(entry.sinceMillis()),
                entry.filledBytes(),
                entry.knownEvents());
    }

    /// What the spares that are here carry.
    private List<WaitingMembers.Here> spareSeats(Verdict verdict, boolean[] used) {
        List<WaitingMembers.Here> here = new ArrayList<>();
        for (int candidate : verdict.spares()) {
            used[candidate] = true;
            here.add(new WaitingMembers.Here(members.get(candidate), slots.get(candidate)));
        }
        return here;
    }

    private void closeUnused(boolean[] used) {
        for (int i = 0; i < used.length; i++) {
            if (!used[i] && !members.get(i).isMissing()) {
                members.get(i).device().close();
            }
        }
    }

    private MemberAreas areasOf(int candidate, Superblock freshest) throws IOException {
        Superblock carried = slots.get(candidate).current();
        if (carried != null) {
            // One that has not heard that the array has grown has room for it all the same.
            long now = members.get(candidate).device().shape().sizeBytes();
            MemberAreas areas =
                    carried.areas().place() == MetadataPlace.START
                            ? carried.areas().onMember(now)
                            : carried.areas();
            return areas.withRegion(freshest.areas().regionBytes());
        }
        LayoutMember member = members.get(candidate);
        MemberAreas areas =
                MemberLayout.plan(
                        member.device().shape().sizeBytes(),
                        freshest.areas().place(),
                        freshest.areas().wishes());
        if (areas == null || areas.data().length() < freshest.array().rowBytes()) {
            throw new IOException(
                    "volume %s: %s is smaller than the other members of the array; take a larger one"
                            .formatted(volume, member.name()));
        }
        return NewMember.proven(member, areas.forRows(freshest.array().rowBytes()), blocking);
    }

    private Leg legOf(int role, Seat seat, MemberEntry entry, MemberAreas areas)
            throws IOException {
        Instant since = Instant.ofEpochMilli(entry.sinceMillis());
        if (seat.candidate() < 0) {
            LayoutMember gone =
                    LayoutMember.missing(
                            entry.place(), Locality.REMOTE, whyMissing(seat, entry.place()));
            LegMember member = LegMember.missing(gone, entry.member());
            Leg leg =
                    new Leg(role, member, LegState.STALE, seat.reason(), since, seat.filledBytes());
            if (entry.state() == MemberState.REMOVED) {
                leg.setAway(false);
                leg.vacate();
            }
            return leg;
        }
        LayoutMember opened = members.get(seat.candidate());
        Superblock carried = slots.get(seat.candidate()).current();
        UUID uuid = carried == null ? newUuid() : carried.member();
        LegMember member = LegMember.of(opened, uuid, areas, blocking, doubt);
        if (member.listProblem() != null && (carried == null || losses.areForgotten(member))) {
            member = member.withNewList(areas, blocking);
        }
        if (member.listProblem() != null) {
            return losses.legOf(
                    role, member, seat, Instant.ofEpochMilli(surroundings.nowMillis().getAsLong()));
        }
        LegState state = LegState.of(seat.state());
        Leg leg = new Leg(role, member, state, seat.reason(), since, seat.filledBytes());
        leg.setAway(state == LegState.STALE); // it is here, and is taken in by itself
        return leg;
    }

    private String whyMissing(Seat seat, String place) {
        boolean isWritten = members.stream().anyMatch(member -> member.name().equals(place));
        return isWritten
                ? seat.reason()
                : seat.reason() + ", which is not written among its members";
    }

    private UUID newUuid() {
        return new UUID(surroundings.randomIds().getAsLong(), surroundings.randomIds().getAsLong());
    }

    /// Gives the roles without a member those that the user wrote and that cannot be opened: by
    /// their last place, else in their order.
    private void nameMissing(List<Leg> legs, boolean[] used) {
        for (boolean byPlace : new boolean[] {true, false}) {
            for (Leg leg : legs) {
                if (leg.device() != null || leg.opened().opener() != null || leg.isVacant()) {
                    continue;
                }
                for (int i = 0; i < used.length; i++) {
                    LayoutMember member = members.get(i);
                    boolean fits = !byPlace || member.name().equals(leg.name());
                    if (!used[i] && member.isMissing() && fits) {
                        used[i] = true;
                        leg.setMember(LegMember.missing(member, leg.member().uuid()));
                        leg.setAway(true);
                        break;
                    }
                }
            }
        }
    }

    private RedundantArray connect(
            Verdict verdict,
            boolean isNew,
            Superblocks superblocks,
            MemberAreas[] areas,
            List<Leg> legs,
            List<Spare> spares,
            List<Replacement> replacements)
            throws IOException {
        Superblock freshest = verdict.freshest();
        ArrayDescription array = freshest.array();
        Level level = plan.make(array, areas);
        losses.check(level, legs);
        DeviceShape common =
                CommonShape.of(volume, legs.stream().map(Leg::opened).toList(), level.sizeBytes());
        boolean hasChecksums = freshest.areas().checksums().isPresent();
        DeviceShape shape = level.shape(hasChecksums ? IntegrityLayer.inBlocks(common) : common);
        LegBitmap store = new LegBitmap(superblocks);
        Growth.WriteIntentBitmapMaker bitmaps =
                (rows, region) ->
                        new WriteIntentBitmap(
                                array.uuid(),
                                rows,
                                region,
                                store,
                                blocking.io().timers(),
                                WriteIntentBitmap.IDLE_NANOS);
        WriteIntentBitmap bitmap =
                freshest.areas().bitmap().isPresent()
                        ? bitmaps.make(level.rowBytes(), freshest.areas().regionBytes())
                        : null;
        ReturningMembers reader = new ReturningMembers(volume, superblocks, blocking, doubt);
        Legs states =
                new Legs(
                        volume,
                        level,
                        stateOf(freshest, latestEvents(freshest)),
                        legs,
                        !freshest.clean(),
                        new StateKeeper(superblocks, surroundings.threads()),
                        surroundings.randomIds());
        boolean givenUp =
                freshest.members().stream()
                                .filter(entry -> entry.state() == MemberState.REPLACING)
                                .count()
                        > replacements.size();
        states.begin(spares, replacements, givenUp);
        superblocks.setLegs(states);
        reader.setLegs(states);
        RedundantArray redundant =
                new RedundantArray(volume, level, states, shape, blocking, bitmap, reader, options);
        redundant.setSuperblocks(superblocks);
        redundant.setGrowth(new Growth(redundant, superblocks, plan, bitmaps));
        redundant.setDoubt(doubt);
        store.setArray(redundant);
        if (bitmap != null) {
            fill(bitmap, redundant, superblocks, isNew && !freshest.clean(), isNew);
        }
        redundant.begin(freshest.clean());
        return redundant;
    }

    /// What is written next has to count as newer on every member, also on one whose last events
    /// the others never heard of.
    private long latestEvents(Superblock freshest) {
        long latest = freshest.events();
        for (SuperblockSlots carried : slots) {
            if (carried != null && carried.current() != null) {
                latest = Math.max(latest, carried.current().events());
            }
        }
        return latest;
    }

    private static ArrayState stateOf(Superblock superblock, long events) {
        List<ArrayState.Entry> entries = new ArrayList<>();
        for (int role = 0; role < superblock.array().roles(); role++) {
            MemberEntry entry = superblock.entryOf(role);
            entries.add(
                    new ArrayState.Entry(
                            entry.member(),
                            role,
                            entry.place(),
                            entry.state(),
                            entry.sinceMillis(),
                            entry.filledBytes(),
                            entry.knownEvents()));
        }
        return new ArrayState(
                events,
                superblock.epoch(),
                superblock.history(),
                superblock.clean(),
                superblock.primary(),
                superblock.clearedEvents(),
                entries,
                List.of());
    }

    private void fill(
            WriteIntentBitmap bitmap,
            RedundantArray array,
            Superblocks superblocks,
            boolean isAllDirty,
            boolean isNew)
            throws IOException {
        if (isAllDirty) {
            bitmap.markAll();
        } else {
            int torn = bitmap.load(isNew ? List.of() : blocksOf(bitmap, array.legs(), superblocks));
            if (torn > 0) {
                LOG.info("volume {}: {} blocks of the bitmap were torn", volume, torn);
            }
        }
        try {
            array.saveBitmap();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while volume %s was opened".formatted(volume), e);
        }
    }

    /// The bitmaps of the complete legs; a leg that cannot be read is left to the first write.
    private List<byte[]> blocksOf(WriteIntentBitmap bitmap, Legs legs, Superblocks superblocks)
            throws IOException {
        List<byte[]> found = new ArrayList<>();
        IOException last = null;
        for (Leg leg : legs.all()) {
            if (leg.device() == null || !leg.state().isComplete()) {
                continue;
            }
            long offset = superblocks.seat(leg.member()).areas().bitmap().offset();
            try {
                found.add(
                        new MemberAccess(leg.device(), blocking)
                                .read(offset, bitmap.lengthBytes()));
            } catch (IOException e) {
                last = e;
                LOG.warn("volume {}: {}", volume, e.getMessage());
            }
        }
        if (found.isEmpty()) {
            throw new IOException(
                    "volume %s: no bitmap can be read: %s"
                            .formatted(volume, last == null ? "no leg" : last.getMessage()),
                    last);
        }
        return found;
    }
}

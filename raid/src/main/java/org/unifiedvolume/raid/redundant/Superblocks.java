package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.unifiedvolume.raid.bitmap.WriteIntentBitmap;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.raid.superblock.MemberEntry;
import org.unifiedvolume.raid.superblock.Superblock;
import org.unifiedvolume.raid.superblock.SuperblockSlots;
import org.unifiedvolume.raid.superblock.Witness;
import org.unifiedvolume.request.DeviceFault;

/// Writes the state of an array into the superblocks of its legs, and what this host remembers.
final class Superblocks implements StateStore {
    /// A leg's part of it: where its superblocks go, and what lies where on it.
    record Seat(SuperblockSlots slots, MemberAreas areas) {}

    private final String volume;
    private volatile ArrayDescription array;

    /// As it was when it had fewer roles; null if it never had.
    private volatile ArrayDescription narrow;

    /// For how many rows a bit of the bitmap stands; 0 if members say so themselves.
    private volatile long regionBytes;
    private final WitnessStore witness;
    private final LongSupplier nowMillis;

    /// By the identity of the member: those that are here and take changes, or will.
    private final Map<UUID, Seat> seats = new ConcurrentHashMap<>();

    private Legs legs;
    private volatile ArrayState saved;

    Superblocks(
            String volume,
            ArrayDescription array,
            long regionBytes,
            Map<UUID, Seat> seats,
            WitnessStore witness,
            LongSupplier nowMillis) {
        this.volume = volume;
        this.array = array;
        this.seats.putAll(seats);
        this.regionBytes = regionBytes;
        this.witness = witness;
        this.nowMillis = nowMillis;
    }

    /// Whose states they are; before the first save.
    void setLegs(Legs newLegs) {
        legs = newLegs;
    }

    ArrayDescription array() {
        return array.withLegs(legs.all().size());
    }

    /// The array uses more of its members from now on: the next state that is written says so. All
    /// rows are held, and the new ones are marked in the bitmaps.
    ///
    /// @param areas what lies where on the legs' members
    /// @param bitmap null for none
    void grow(ArrayDescription grown, Map<UUID, MemberAreas> areas, WriteIntentBitmap bitmap) {
        array = grown;
        regionBytes = bitmap == null ? 0 : bitmap.regionBytes();
        areas.forEach(
                (member, own) ->
                        seats.computeIfPresent(member, (_, seat) -> new Seat(seat.slots(), own)));
    }

    /// The array has more roles in states with more legs.
    void widen(ArrayDescription wide) {
        narrow = array;
        array = wide;
    }

    /// So much of the array has its new shape, durably: states that are written from now on say so.
    void reshaped(long positionBytes) {
        array = array.withReshape(array.reshape().at(positionBytes));
    }

    /// All of the array has its new shape, and it is as large as that.
    void hasShape(long sizeBytes) {
        ArrayDescription now = array;
        array =
                new ArrayDescription(
                        now.uuid(),
                        now.name(),
                        now.level(),
                        now.copies(),
                        now.chunkBytes(),
                        sizeBytes,
                        now.rowBytes(),
                        now.roles(),
                        now.createdMicros());
    }

    /// A state may be about fewer legs than there are by now.
    private ArrayDescription arrayOf(ArrayState state) {
        int roles = state.legs().size();
        ArrayDescription before = narrow;
        boolean isBefore = before != null && before.roles() == roles;
        return isBefore ? before : array.withLegs(roles);
    }

    /// The part of a member; null if it is not here.
    Seat seat(LegMember member) {
        return seats.get(member.uuid());
    }

    /// The part of some member that is there.
    Seat anySeat() {
        for (Leg leg : legs.all()) {
            Seat seat = seat(leg.member());
            if (seat != null) {
                return seat;
            }
        }
        throw new IllegalStateException("an array without members");
    }

    void setSeat(LegMember member, Seat seat) {
        seats.put(member.uuid(), seat);
    }

    /// A member has no role any more, and none will be written for it.
    void forget(LegMember member) {
        seats.remove(member.uuid());
    }

    @Override
    public String place() {
        return "volume " + volume;
    }

    /// This host remembers first: should it stop in between, a leg that has not heard of the new
    /// epoch cannot begin one of its own.
    @Override
    public void save(ArrayState state) throws IOException {
        witness.save(new Witness(array.uuid(), state.epoch(), state.events()));
        for (ArrayState.Entry own : state.legs()) {
            Leg leg = legs.legOf(own.member());
            Seat seat = seats.get(own.member());
            if (leg == null
                    || seat == null
                    || leg.device() == null
                    || !leg.state().takesChanges()) {
                continue;
            }
            DeviceFault hesitation = leg.hesitation();
            IOException failed =
                    hesitation == null
                            ? write(own, seat, state)
                            : new IOException(hesitation.getMessage(), hesitation);
            if (failed != null && !legs.recordFailed(leg, faultOf(failed))) {
                throw failed;
            }
        }
        for (Replacement replacement : legs.reserve().replacements()) {
            ArrayState.Entry own = entryOf(replacement.member(), state);
            Seat seat = seat(replacement.member());
            IOException failed = own == null || seat == null ? null : write(own, seat, state);
            if (failed != null) {
                legs.reserve().abandon(replacement, failed.getMessage());
            }
        }
        saved = state;
        legs.saved(state.events());
    }

    /// @return why it could not be written; null if it is
    private IOException write(ArrayState.Entry own, Seat seat, ArrayState state) {
        try {
            seat.slots().write(superblockOf(own, seat.areas(), state));
            legs.recorded(own.member(), state.events());
            return null;
        } catch (IOException e) {
            return e;
        }
    }

    private static DeviceFault faultOf(IOException failed) {
        return failed.getCause() instanceof DeviceFault fault
                ? fault
                : new DeviceFault(DeviceFault.Kind.IO, failed.getMessage());
    }

    private static ArrayState.Entry entryOf(LegMember member, ArrayState state) {
        return state.others().stream()
                .filter(entry -> entry.member().equals(member.uuid()))
                .findFirst()
                .orElse(null);
    }

    /// Writes what a spare carries: that it is one, in the state that was written down last. What
    /// comes after that it need not know, as whoever has a role does.
    void writeSpare(Spare spare) throws IOException {
        if (entryOf(spare.member(), saved) == null) {
            throw new IOException("%s: it was closed meanwhile".formatted(place()));
        }
        spare.seat().slots().write(superblockOf(spare.entry(), spare.seat().areas(), saved));
    }

    private Superblock superblockOf(ArrayState.Entry own, MemberAreas areas, ArrayState state) {
        List<MemberEntry> entries = new ArrayList<>();
        state.legs().forEach(entry -> entries.add(recorded(entry)));
        state.others().forEach(entry -> entries.add(recorded(entry)));
        return new Superblock(
                arrayOf(state),
                own.member(),
                own.role(),
                regionBytes == 0 ? areas : areas.withRegion(regionBytes),
                state.events(),
                state.epoch(),
                state.history(),
                nowMillis.getAsLong() * 1000,
                state.clean(),
                state.primary(),
                state.clearedEvents(),
                entries);
    }

    private static MemberEntry recorded(ArrayState.Entry entry) {
        return new MemberEntry(
                entry.member(),
                entry.role(),
                entry.state(),
                entry.sinceMillis(),
                entry.knownEvents(),
                entry.filledBytes(),
                entry.place());
    }
}

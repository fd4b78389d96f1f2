package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
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
    private final ArrayDescription array;
    private final WitnessStore witness;
    private final LongSupplier nowMillis;

    /// By role; null while the member is missing. Changed only while the leg takes no changes.
    private final Seat[] seats;

    private Legs legs;
    private volatile ArrayState saved;

    Superblocks(
            String volume,
            ArrayDescription array,
            Seat[] seats,
            WitnessStore witness,
            LongSupplier nowMillis) {
        this.volume = volume;
        this.array = array;
        this.seats = seats.clone();
        this.witness = witness;
        this.nowMillis = nowMillis;
    }

    /// Whose states they are; before the first save.
    void setLegs(Legs newLegs) {
        legs = newLegs;
    }

    ArrayDescription array() {
        return array;
    }

    synchronized Seat seat(int role) {
        return seats[role];
    }

    /// The part of some member that is there.
    synchronized Seat anySeat() {
        for (Seat seat : seats) {
            if (seat != null) {
                return seat;
            }
        }
        throw new IllegalStateException("an array without members");
    }

    /// @param seat null when nobody has the role any more
    synchronized void setSeat(int role, Seat seat) {
        seats[role] = seat;
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
        for (Leg leg : legs.all()) {
            Seat seat = seat(leg.role());
            if (seat == null || leg.device() == null || !leg.state().takesChanges()) {
                continue;
            }
            try {
                ArrayState.Entry own = state.legs().get(leg.role());
                seat.slots().write(superblockOf(own, seat.areas(), state));
                legs.recorded(leg, state.events());
            } catch (IOException e) {
                DeviceFault why =
                        e.getCause() instanceof DeviceFault fault
                                ? fault
                                : new DeviceFault(DeviceFault.Kind.IO, e.getMessage());
                if (!legs.recordFailed(leg, why)) {
                    throw e;
                }
            }
        }
        saved = state;
        legs.saved(state.events());
    }

    /// Writes what a spare carries: that it is one, in the state that was written down last. What
    /// comes after that it need not know, as whoever has a role does.
    void writeSpare(Spare spare) throws IOException {
        spare.seat().slots().write(superblockOf(spare.entry(), spare.seat().areas(), saved));
    }

    private Superblock superblockOf(ArrayState.Entry own, MemberAreas areas, ArrayState state) {
        List<MemberEntry> entries = new ArrayList<>();
        state.legs().forEach(entry -> entries.add(recorded(entry)));
        state.others().forEach(entry -> entries.add(recorded(entry)));
        return new Superblock(
                array,
                own.member(),
                own.role(),
                areas,
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

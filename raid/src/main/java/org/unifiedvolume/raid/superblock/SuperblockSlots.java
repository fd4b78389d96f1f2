package org.unifiedvolume.raid.superblock;

import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.unifiedvolume.raid.superblock.MemberAreas.Area;

/// The superblocks of one member: finds the newest, writes the next one over the older.
///
/// What lies where the other place's slots would be is data: it may be anything, even superblocks
/// of an array that lives within this one. So only one of the two places counts.
public final class SuperblockSlots {
    private static final int NOWHERE = -1;

    private final MemberIo io;

    /// Where the newest one is; NOWHERE while there is none.
    private int newest = NOWHERE;

    private Superblock current;
    private String damage = "";
    private IOException unreadable;
    private boolean future;

    private SuperblockSlots(MemberIo io) {
        this.io = io;
    }

    /// What the two slots of one place hold.
    private static final class Pair {
        private Superblock newest;
        private int slot = NOWHERE;
        private String damage = "";
        private boolean future;
        private IOException unreadable;

        private void add(Superblock found, int inSlot) {
            if (newest == null || isNewer(found, newest)) {
                newest = found;
                slot = inSlot;
            }
        }

        private boolean hasAnything() {
            return newest != null || !damage.isEmpty();
        }
    }

    /// Reads the slots of a member, wherever they are. If both places hold what could be its own,
    /// neither counts.
    ///
    /// @throws IOException if it cannot be read where its superblocks could be
    public static SuperblockSlots read(MemberIo io) throws IOException {
        return read(io, null);
    }

    /// Reads the slots of a member.
    ///
    /// @param expected the place that counts if both hold what could be its own, since clients of
    ///     the array write where the other one is; null for none
    /// @throws IOException if it cannot be read where its superblocks could be
    public static SuperblockSlots read(MemberIo io, MetadataPlace expected) throws IOException {
        SuperblockSlots slots = new SuperblockSlots(io);
        Map<MetadataPlace, Pair> found = new EnumMap<>(MetadataPlace.class);
        for (MetadataPlace place : MetadataPlace.values()) {
            found.put(place, slots.look(place));
        }
        slots.choose(found.get(MetadataPlace.START), found.get(MetadataPlace.END), expected);
        return slots;
    }

    private Pair look(MetadataPlace place) {
        Pair pair = new Pair();
        List<Area> areas = areas(place);
        for (int slot = 0; slot < areas.size(); slot++) {
            try {
                Superblock found = SuperblockCodec.decode(bytes(areas.get(slot)), slot);
                if (isOfThisMember(found, place, pair)) {
                    pair.add(found, slot);
                }
            } catch (SuperblockFault fault) {
                if (fault.kind() != SuperblockFault.Kind.NONE) {
                    pair.damage = fault.getMessage();
                    pair.future |= fault.kind() == SuperblockFault.Kind.FUTURE;
                }
            } catch (IOException e) {
                pair.unreadable = e;
            }
        }
        return pair;
    }

    /// Whether a superblock was written for this member as it is now; notes if that has shrunk.
    private boolean isOfThisMember(Superblock found, MetadataPlace place, Pair pair) {
        long size = io.sizeBytes();
        if (found.areas().place() != place
                || (place == MetadataPlace.END && found.areas().memberBytes() != size)) {
            return false; // the end of a member that was part of a larger one
        }
        if (found.areas().memberBytes() > size) {
            pair.damage =
                    ("a superblock of a member of %d bytes, but it has only %d now; give it back"
                                    + " what was cut off")
                            .formatted(found.areas().memberBytes(), size);
            return false;
        }
        return true;
    }

    private void choose(Pair start, Pair end, MetadataPlace expected) throws IOException {
        if (start.newest != null && end.newest != null) {
            if (expected != null) {
                take(expected == MetadataPlace.START ? start : end);
                return;
            }
            boolean isStart = start.newest.areas().memberBytes() == io.sizeBytes();
            if (isStart) {
                damage =
                        ("superblocks at its start (array %s) and at its end (array %s), which"
                                        + " cannot both be its own; uvol examine shows them")
                                .formatted(start.newest.array().uuid(), end.newest.array().uuid());
                return;
            }
            take(end);
        } else if (start.newest != null) {
            take(start);
        } else if (end.newest != null) {
            take(end);
        } else {
            IOException unreadable = start.unreadable != null ? start.unreadable : end.unreadable;
            if (unreadable != null) {
                throw unreadable;
            }
            take(start.hasAnything() ? start : end);
        }
    }

    private void take(Pair pair) {
        unreadable = pair.unreadable;
        current = pair.newest;
        newest = pair.slot;
        damage = pair.damage;
        future = pair.future;
    }

    /// The slots of a place that are on the member.
    private List<Area> areas(MetadataPlace place) {
        List<Area> areas = MemberLayout.slots(io.sizeBytes(), place);
        boolean fit =
                areas.stream().allMatch(area -> area.offset() >= 0 && area.end() <= io.sizeBytes());
        return fit ? areas : List.of();
    }

    private byte[] bytes(Area area) throws IOException {
        return io.read(area.offset(), (int) area.length());
    }

    private static boolean isNewer(Superblock one, Superblock other) {
        return one.events() != other.events()
                ? one.events() > other.events()
                : one.updatedMicros() > other.updatedMicros();
    }

    /// The newest good superblock; null if there is none. One beside a superblock of a later
    /// release does not count.
    public Superblock current() {
        return future ? null : current;
    }

    /// What is wrong with a superblock that cannot be used; empty if nothing is.
    public String damage() {
        return damage;
    }

    /// Why a slot could not be read that may hold a newer superblock; null if all could.
    public IOException unreadable() {
        return unreadable;
    }

    /// Makes a superblock the newest one. A write that is torn leaves the one before.
    ///
    /// The first one of an epoch goes to both slots, so that damage to one of them, later, cannot
    /// take back that a member was lost.
    ///
    /// @throws IOException if it could not be written; which of the two counts is not known then
    public void write(Superblock superblock) throws IOException {
        boolean isSamePlace =
                current != null && current.areas().place() == superblock.areas().place();
        boolean isSameEpoch = isSamePlace && current.epoch().equals(superblock.epoch());
        int slot = isSamePlace && newest != NOWHERE ? 1 - newest : 0;
        write(superblock, slot);
        if (!isSameEpoch) {
            write(superblock, 1 - slot);
        }
    }

    private void write(Superblock superblock, int slot) throws IOException {
        Area area = MemberLayout.slots(io.sizeBytes(), superblock.areas().place()).get(slot);
        io.writeDurable(area.offset(), SuperblockCodec.encode(superblock, slot));
        newest = slot;
        current = superblock;
    }

    /// Wipes all superblocks of a member, so that it is nobody's. The newest goes last: whoever is
    /// killed in between leaves a member that is still known.
    ///
    /// Superblocks of an array within this one's data stay.
    public void erase() throws IOException {
        List<Area> all = new ArrayList<>();
        for (MetadataPlace place : MetadataPlace.values()) {
            boolean isOwn = current != null && current.areas().place() == place;
            List<Area> areas = areas(place);
            for (int slot = 0; slot < areas.size(); slot++) {
                boolean isNewest = isOwn && slot == newest;
                if (!isNewest && (isOwn || isLeftover(areas.get(slot), slot))) {
                    all.add(areas.get(slot));
                }
            }
        }
        if (current != null) {
            all.add(areas(current.areas().place()).get(newest));
        }
        for (Area area : all) {
            io.writeDurable(area.offset(), new byte[Superblock.LENGTH_BYTES]);
        }
        current = null;
        newest = NOWHERE;
        damage = "";
        future = false;
    }

    /// Whether a slot holds what could be taken for a superblock of this member.
    private boolean isLeftover(Area area, int slot) {
        try {
            return SuperblockCodec.decode(bytes(area), slot).areas().memberBytes()
                    == io.sizeBytes();
        } catch (SuperblockFault fault) {
            return current == null && fault.kind() != SuperblockFault.Kind.NONE;
        } catch (IOException e) {
            return false;
        }
    }
}

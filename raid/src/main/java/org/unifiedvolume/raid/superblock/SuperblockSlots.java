package org.unifiedvolume.raid.superblock;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.raid.superblock.MemberAreas.Area;

/// The superblocks of one member: finds the newest, writes the next one over the older.
public final class SuperblockSlots {
    private final MemberIo io;

    /// Where the newest one is; -1 while there is none.
    private int newest = -1;

    private Superblock current;
    private String damage = "";
    private boolean future;

    private SuperblockSlots(MemberIo io) {
        this.io = io;
    }

    /// Reads the slots of a member.
    ///
    /// @throws IOException if the member cannot be read
    public static SuperblockSlots read(MemberIo io) throws IOException {
        SuperblockSlots slots = new SuperblockSlots(io);
        IOException unreadable = null;
        for (MetadataPlace place : MetadataPlace.values()) {
            List<Area> areas = MemberLayout.slots(io.sizeBytes(), place);
            for (int slot = 0; slot < areas.size(); slot++) {
                try {
                    slots.look(areas.get(slot), place, slot);
                } catch (IOException e) {
                    unreadable = e; // the other slot may do
                }
            }
        }
        if (unreadable != null && slots.current == null) {
            throw unreadable;
        }
        return slots;
    }

    private void look(Area area, MetadataPlace place, int slot) throws IOException {
        if (area.offset() < 0 || area.end() > io.sizeBytes()) {
            return;
        }
        try {
            byte[] bytes = io.read(area.offset(), (int) area.length());
            Superblock found = SuperblockCodec.decode(bytes, slot);
            if (found.areas().place() != place) {
                return; // the end of a member that was part of a larger one
            }
            if (current == null || isNewer(found, current)) {
                current = found;
                newest = slot;
            }
        } catch (SuperblockFault fault) {
            if (fault.kind() != SuperblockFault.Kind.NONE) {
                damage = fault.getMessage();
                future |= fault.kind() == SuperblockFault.Kind.FUTURE;
            }
        }
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

    /// Makes a superblock the newest one. A write that is torn leaves the one before.
    ///
    /// @throws IOException if it could not be written; which of the two counts is not known then
    public void write(Superblock superblock) throws IOException {
        boolean isSamePlace =
                current != null && current.areas().place() == superblock.areas().place();
        int slot = isSamePlace && newest >= 0 ? 1 - newest : 0;
        Area area = MemberLayout.slots(io.sizeBytes(), superblock.areas().place()).get(slot);
        io.writeDurable(area.offset(), SuperblockCodec.encode(superblock, slot));
        newest = slot;
        current = superblock;
    }

    /// Wipes all superblocks of a member, so that it is nobody's. The newest goes last: whoever is
    /// killed in between leaves a member that is still known.
    public void erase() throws IOException {
        List<Area> all = new ArrayList<>();
        for (MetadataPlace place : MetadataPlace.values()) {
            for (Area area : MemberLayout.slots(io.sizeBytes(), place)) {
                if (area.offset() >= 0 && area.end() <= io.sizeBytes() && isSuperblock(area)) {
                    all.add(area);
                }
            }
        }
        if (current != null) {
            Area last = MemberLayout.slots(io.sizeBytes(), current.areas().place()).get(newest);
            if (all.remove(last)) {
                all.add(last);
            }
        }
        for (Area area : all) {
            io.writeDurable(area.offset(), new byte[Superblock.LENGTH_BYTES]);
        }
        current = null;
        newest = -1;
    }

    private boolean isSuperblock(Area area) throws IOException {
        try {
            SuperblockCodec.decode(io.read(area.offset(), (int) area.length()), 0);
            return true;
        } catch (SuperblockFault fault) {
            return fault.kind() != SuperblockFault.Kind.NONE;
        }
    }
}

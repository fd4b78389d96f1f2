package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.util.UUID;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.raid.badblock.BadBlockSlots;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.raid.superblock.Superblock;
import org.unifiedvolume.raid.superblock.SuperblockSlots;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.spi.LayoutMember;

/// What is done with a device before it becomes a member of an array.
public final class NewMember {
    private NewMember() {}

    /// Refuses a member that cannot be written.
    public static void checkWritable(String volume, LayoutMember member) throws IOException {
        if (!member.device().shape().can(Ability.WRITE)) {
            throw new IOException(
                    "volume %s: %s is read-only, and every leg of an array is written; make it writable or leave it out"
                            .formatted(volume, member.name()));
        }
    }

    /// Empties what lies beside the data and the superblocks: the journal, the checksums, and the
    /// list of bad blocks. The bitmap is written when the array begins. Blocks.
    ///
    /// @param uuid what it will be as a member
    public static void clearAreas(
            String volume, LayoutMember member, UUID uuid, MemberAreas areas, BlockingLegs blocking)
            throws IOException, InterruptedException {
        try {
            clear(member, areas.journal(), blocking);
            clear(member, areas.checksums(), blocking);
            if (areas.checksums().isPresent()) {
                blocking.flush(member.device());
            }
        } catch (DeviceFault fault) {
            throw new IOException(
                    "volume %s: %s: %s".formatted(volume, member.name(), fault.getMessage()),
                    fault);
        }
        new MemberAccess(member.device(), blocking)
                .writeDurable(areas.badBlocks().offset(), BadBlockSlots.empty(uuid));
    }

    /// Refuses a device that carries something.
    public static void checkBlank(String volume, LayoutMember fresh, BlockingLegs blocking)
            throws IOException {
        Superblock carried =
                SuperblockSlots.read(new MemberAccess(fresh.device(), blocking)).current();
        String words =
                carried == null
                        ? MemberContent.look(fresh.device(), blocking).words()
                        : "a member of array %s (%s)"
                                .formatted(carried.array().name(), carried.array().uuid());
        if (!words.isEmpty()) {
            throw new IOException(
                    "volume %s: %s holds %s; take another one, or --force to give that up"
                            .formatted(volume, fresh.name(), words));
        }
    }

    /// What its checksums shall say of the data that it brings along: rows that nobody has written
    /// yet when the array grows are such, too. Blocks.
    static MemberAreas proven(LayoutMember member, MemberAreas areas, BlockingLegs blocking)
            throws IOException {
        return areas.checksums().isPresent()
                ? areas.withUnprovenData(!MemberContent.isSurelyZero(member.device(), blocking))
                : areas;
    }

    private static void clear(LayoutMember member, MemberAreas.Area area, BlockingLegs blocking)
            throws DeviceFault, InterruptedException {
        if (area.isPresent()) {
            blocking.zeroMember(member.device(), area.offset(), area.length());
        }
    }
}

package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.raid.bitmap.BadBlocks;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.spi.LayoutMember;

/// What is done with a device before it becomes a member of an array.
final class NewMember {
    private NewMember() {}

    /// Refuses a member that cannot be written.
    static void checkWritable(String volume, LayoutMember member) throws IOException {
        if (!member.device().shape().can(Ability.WRITE)) {
            throw new IOException(
                    "volume %s: %s is read-only, and every leg of an array is written; make it writable or leave it out"
                            .formatted(volume, member.name()));
        }
    }

    /// Empties what lies beside the data and the superblocks: the journal, and the list of bad
    /// blocks. The bitmap is written when the array begins. Blocks.
    static void clearAreas(
            String volume, LayoutMember member, MemberAreas areas, BlockingLegs blocking)
            throws IOException, InterruptedException {
        if (areas.journal().isPresent()) {
            try {
                blocking.zeroMember(
                        member.device(), areas.journal().offset(), areas.journal().length());
            } catch (DeviceFault fault) {
                throw new IOException(
                        "volume %s: %s: %s".formatted(volume, member.name(), fault.getMessage()),
                        fault);
            }
        }
        new MemberAccess(member.device(), blocking)
                .writeDurable(
                        areas.badBlocks().offset(), new BadBlocks(areas.data().length()).encode());
    }
}

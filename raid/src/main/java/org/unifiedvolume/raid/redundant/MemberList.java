package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.util.UUID;
import org.unifiedvolume.raid.badblock.BadBlockSlots;
import org.unifiedvolume.raid.badblock.BadBlocks;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.request.DeviceFault;

/// What a member says of its own rows that are lost, when it is taken in. Blocks.
///
/// @param found its newest list; an empty one if that is not known
/// @param problem why it is not known; null if it is
/// @param mayPass whether the next look may do better
record MemberList(BadBlockSlots.Found found, String problem, boolean mayPass) {
    private static final BadBlockSlots.Found NOTHING =
            new BadBlockSlots.Found(BadBlocks.NONE, 0, 0, new byte[BadBlockSlots.SLOT_BYTES]);

    /// Looks at a member's list.
    ///
    /// @param dataBytes how much of the member may be data
    static MemberList read(MemberAccess member, UUID uuid, MemberAreas areas, long dataBytes) {
        try {
            byte[] area = member.read(areas.badBlocks().offset(), BadBlockSlots.AREA_BYTES);
            return new MemberList(BadBlockSlots.decode(uuid, area, dataBytes), null, false);
        } catch (DeviceFault damage) {
            return new MemberList(NOTHING, damage.getMessage(), false);
        } catch (IOException e) {
            boolean isForGood =
                    e.getCause() instanceof DeviceFault fault
                            && fault.kind() == DeviceFault.Kind.IO;
            return new MemberList(
                    NOTHING, "the bad-block list cannot be read: " + e.getMessage(), !isForGood);
        }
    }

    /// Gives a member a list of nothing.
    static MemberList begin(MemberAccess member, UUID uuid, MemberAreas areas, long dataBytes)
            throws IOException {
        byte[] area = BadBlockSlots.empty(uuid);
        member.writeDurable(areas.badBlocks().offset(), area);
        try {
            return new MemberList(BadBlockSlots.decode(uuid, area, dataBytes), null, false);
        } catch (DeviceFault e) {
            throw new AssertionError(e);
        }
    }
}

package org.unifiedvolume.raid.array;

import java.io.IOException;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.spi.LayoutMember;

/// What several members can do together.
public final class CommonShape {
    private CommonShape() {}

    /// The shape of an array of these members; the missing ones do not count.
    ///
    /// @throws IOException if a member's transfers are shorter than another's blocks
    public static DeviceShape of(String volume, List<LayoutMember> members, long sizeBytes)
            throws IOException {
        int block = 1;
        int preferred = 1;
        int alignment = 1;
        long transfer = Long.MAX_VALUE;
        Set<Ability> all = EnumSet.allOf(Ability.class);
        Set<Ability> any = EnumSet.noneOf(Ability.class);
        for (LayoutMember member : members) {
            if (member.isMissing()) {
                continue;
            }
            DeviceShape shape = member.device().shape();
            block = Math.max(block, shape.blockBytes());
            preferred = Math.max(preferred, shape.preferredBytes());
            alignment = Math.max(alignment, shape.memoryAlignmentBytes());
            transfer = Math.min(transfer, shape.maxTransferBytes());
            all.retainAll(shape.abilities());
            any.addAll(shape.abilities());
        }
        if (transfer < block) {
            throw new IOException(
                    ("volume %s: one member takes at most %d bytes at once, another has blocks of"
                                    + " %d bytes; use members of one kind")
                            .formatted(volume, transfer, block));
        }
        preferred = (int) Math.min(preferred, Long.highestOneBit(transfer));
        // What only some can is offered too: a member without it answers for itself.
        for (Ability ability : EnumSet.of(Ability.FLUSH, Ability.DISCARD, Ability.LOCATE)) {
            if (any.contains(ability)) {
                all.add(ability);
            }
        }
        return new DeviceShape(sizeBytes, block, preferred, transfer, alignment, all);
    }

    /// The shape of an array that discards by zeroing, as its members must go on to agree: it can
    /// do so only where all of them zero fast.
    ///
    /// @param common what the members can do together
    public static DeviceShape discardingByZeroing(DeviceShape common) {
        if (common.can(Ability.FAST_ZERO) || !common.can(Ability.DISCARD)) {
            return common;
        }
        Set<Ability> abilities = EnumSet.copyOf(common.abilities());
        abilities.remove(Ability.DISCARD);
        return common.withAbilities(abilities);
    }
}

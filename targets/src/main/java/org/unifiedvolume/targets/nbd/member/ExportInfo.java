package org.unifiedvolume.targets.nbd.member;

import java.util.EnumSet;
import java.util.Set;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.targets.nbd.wire.Nbd;

/// What a server says about an export in the handshake.
///
/// @param sizeBytes its size
/// @param flags the transmission flags
/// @param minimumBlockBytes the grid that requests must keep to
/// @param preferredBlockBytes the size that it serves best
/// @param maximumPayloadBytes the longest read or write it takes
/// @param extended whether headers are extended
/// @param structured whether replies are structured (also true for extended headers)
/// @param allocationContext the id of `base:allocation`; -1 if it was not selected
record ExportInfo(
        long sizeBytes,
        int flags,
        int minimumBlockBytes,
        int preferredBlockBytes,
        long maximumPayloadBytes,
        boolean extended,
        boolean structured,
        int allocationContext) {

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    boolean isReadOnly() {
        return has(Nbd.FLAG_READ_ONLY);
    }

    /// Whether a flush or a durable write on one connection covers the others too.
    boolean allowsSeveralConnections() {
        return has(Nbd.FLAG_CAN_MULTI_CONN);
    }

    /// The shape of the export as a device.
    ///
    /// @param asReadOnly whether it is used for reading only
    DeviceShape shape(boolean asReadOnly) {
        Set<Ability> abilities = EnumSet.noneOf(Ability.class);
        if (!isReadOnly() && !asReadOnly) {
            abilities.add(Ability.WRITE);
            if (has(Nbd.FLAG_SEND_TRIM)) {
                abilities.add(Ability.DISCARD);
            }
            if (has(Nbd.FLAG_SEND_WRITE_ZEROES)) {
                abilities.add(Ability.FAST_ZERO);
            }
            if (has(Nbd.FLAG_SEND_FLUSH)) {
                abilities.add(Ability.FLUSH);
            }
        }
        if (allocationContext >= 0) {
            abilities.add(Ability.LOCATE);
        }
        long longest = maximumPayloadBytes - maximumPayloadBytes % minimumBlockBytes;
        int preferred =
                Math.max(
                        minimumBlockBytes,
                        (int) Math.min(preferredBlockBytes, Long.highestOneBit(longest)));
        return new DeviceShape(
                sizeBytes - sizeBytes % minimumBlockBytes,
                minimumBlockBytes,
                preferred,
                Math.max(preferred, longest),
                1,
                abilities);
    }

    /// Why an export that was `this` cannot be taken for the same one as `now`; null if it can.
    String differenceFrom(ExportInfo now) {
        if (now.sizeBytes != sizeBytes) {
            return "its size changed from %d to %d bytes".formatted(sizeBytes, now.sizeBytes);
        }
        if (now.isReadOnly() && !isReadOnly()) {
            return "it became read-only";
        }
        if (now.minimumBlockBytes > minimumBlockBytes) {
            return "its blocks grew from %d to %d bytes"
                    .formatted(minimumBlockBytes, now.minimumBlockBytes);
        }
        if (now.maximumPayloadBytes < maximumPayloadBytes) {
            return "its longest payload shrank from %d to %d bytes"
                    .formatted(maximumPayloadBytes, now.maximumPayloadBytes);
        }
        if (extended && !now.extended) {
            return "it no longer takes extended headers";
        }
        if (allocationContext >= 0 && now.allocationContext < 0) {
            return "it no longer tells where data is";
        }
        int needed =
                Nbd.FLAG_SEND_FLUSH
                        | Nbd.FLAG_SEND_FUA
                        | Nbd.FLAG_SEND_TRIM
                        | Nbd.FLAG_SEND_WRITE_ZEROES
                        | Nbd.FLAG_SEND_FAST_ZERO
                        | Nbd.FLAG_SEND_CACHE
                        | Nbd.FLAG_CAN_MULTI_CONN;
        int lost = flags & needed & ~now.flags;
        return lost == 0 ? null : "it lost abilities (flags 0x%04x)".formatted(lost);
    }
}

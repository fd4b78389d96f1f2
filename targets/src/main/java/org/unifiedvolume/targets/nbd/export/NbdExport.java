package org.unifiedvolume.targets.nbd.export;

import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.targets.nbd.wire.Nbd;
import org.unifiedvolume.volume.Volume;

/// One volume under one name on one server.
///
/// @param name what clients ask for; may be empty
/// @param volume what they get
/// @param readOnly whether they may only read, whatever the volume can do
public record NbdExport(String name, Volume volume, boolean readOnly) {
    DeviceShape shape() {
        return volume.shape();
    }

    boolean isReadOnly() {
        return readOnly || shape().isReadOnly();
    }

    /// A line for people who list the exports.
    String description() {
        return "volume " + volume.name();
    }

    /// The smallest unit that a client may address.
    int minimumBlockBytes() {
        return shape().blockBytes();
    }

    int preferredBlockBytes() {
        return Math.max(512, shape().preferredBytes());
    }

    /// The longest read or write that clients may ask for.
    int payloadBytes(NbdLimits limits) {
        return (int) Math.min(limits.payloadBytes(), shape().maxTransferBytes());
    }

    /// The transmission flags (section "Transmission flags").
    ///
    /// @param chunked whether replies are structured or extended
    /// @param statusPayload whether block status requests may choose among several contexts
    int transmissionFlags(boolean chunked, boolean statusPayload) {
        // A flush reaches every member, whichever connection sent it: CAN_MULTI_CONN holds.
        int flags = Nbd.FLAG_HAS_FLAGS | Nbd.FLAG_CAN_MULTI_CONN | Nbd.FLAG_SEND_CACHE;
        if (isReadOnly()) {
            flags |= Nbd.FLAG_READ_ONLY;
        } else {
            flags |= Nbd.FLAG_SEND_FLUSH | Nbd.FLAG_SEND_FUA | Nbd.FLAG_SEND_WRITE_ZEROES;
            if (shape().can(Ability.DISCARD)) {
                flags |= Nbd.FLAG_SEND_TRIM;
            }
            if (shape().can(Ability.FAST_ZERO)) {
                flags |= Nbd.FLAG_SEND_FAST_ZERO;
            }
        }
        if (chunked) {
            flags |= Nbd.FLAG_SEND_DF;
        }
        if (statusPayload) {
            flags |= Nbd.FLAG_BLOCK_STATUS_PAYLOAD;
        }
        return flags;
    }
}

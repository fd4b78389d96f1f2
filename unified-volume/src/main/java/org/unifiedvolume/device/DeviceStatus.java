package org.unifiedvolume.device;

import java.time.Instant;
import java.util.List;
import org.unifiedvolume.request.Locality;

/// How a device is, as every command, page and metric shows it: a tree, like the devices.
///
/// @param name what users call it: a volume's name, a member's URI
/// @param kind what it is: `raid1`, `file`, `nbd`
/// @param state in one word
/// @param reason why it is in that state; while it is ONLINE empty, or what users should know
///     nevertheless
/// @param since when it came into that state
/// @param remedy what to do about it; empty if nothing needs to be done
/// @param locality where its bytes are
/// @param sizeBytes how large it is
/// @param children what it is made of
public record DeviceStatus(
        String name,
        String kind,
        State state,
        String reason,
        Instant since,
        String remedy,
        Locality locality,
        long sizeBytes,
        List<DeviceStatus> children) {

    /// The states, from good to bad, in the words of `zpool status`.
    public enum State {
        /// Everything works.
        ONLINE,
        /// A member that waits for a role.
        SPARE,
        /// It works; parts that may differ after an unclean stop are being made alike.
        RESYNCING,
        /// It works; its bytes are being laid out over more members.
        RESHAPING,
        /// A member that is being given the bytes it lacks.
        REBUILDING,
        /// It works, but something is missing: another loss may stop it.
        DEGRADED,
        /// It cannot be reached now, and may come back by itself.
        UNAVAIL,
        /// It has failed and is not used until somebody mends it.
        FAULTED
    }

    public DeviceStatus {
        children = List.copyOf(children);
    }

    /// The status of a device that works.
    public static DeviceStatus online(
            String name,
            String kind,
            Instant since,
            Locality locality,
            long sizeBytes,
            List<DeviceStatus> children) {
        return new DeviceStatus(
                name, kind, State.ONLINE, "", since, "", locality, sizeBytes, children);
    }

    /// The same device in another state.
    public DeviceStatus as(State newState, String newReason, Instant when, String newRemedy) {
        return new DeviceStatus(
                name, kind, newState, newReason, when, newRemedy, locality, sizeBytes, children);
    }
}

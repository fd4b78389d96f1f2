package org.unifiedvolume.raid.mirror;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.array.MemberStatus;
import org.unifiedvolume.request.Locality;

/// Puts the state of a mirror and its legs into words.
final class MirrorStatus {
    private final String volume;
    private final Legs legs;
    private final long sizeBytes;
    private final Instant opened;

    MirrorStatus(String volume, Legs legs, long sizeBytes, Instant opened) {
        this.volume = volume;
        this.legs = legs;
        this.sizeBytes = sizeBytes;
        this.opened = opened;
    }

    DeviceStatus now() {
        return legs.look(this::build);
    }

    private DeviceStatus build() {
        List<DeviceStatus> children = new ArrayList<>();
        Locality where = legs.all().getFirst().locality();
        DeviceStatus worst = null;
        boolean works = false;
        for (Leg leg : legs.all()) {
            DeviceStatus status = statusOf(leg);
            children.add(status);
            where = where.and(leg.locality());
            works |=
                    leg.state() == LegState.IN_SYNC
                            && status.state().compareTo(State.DEGRADED) <= 0;
            if (worst == null || status.state().compareTo(worst.state()) > 0) {
                worst = status;
            }
        }
        DeviceStatus online =
                DeviceStatus.online(volume, "raid1", opened, where, sizeBytes, children);
        IOException unrecorded = legs.keeper().problem();
        if (unrecorded != null) {
            return online.as(
                    State.DEGRADED,
                    unrecorded.getMessage() + "; writes fail until then",
                    worst.since(),
                    "free space in the state folder or mend its disk");
        }
        if (worst.state() == State.ONLINE) {
            return online;
        }
        String reason = "%s: %s".formatted(worst.name(), worst.reason());
        State state = works ? State.DEGRADED : worst.state();
        return online.as(state, reason, worst.since(), worst.remedy());
    }

    private DeviceStatus statusOf(Leg leg) {
        String readd = "uvol re-add %s %s".formatted(volume, leg.name());
        if (leg.device() == null) {
            return DeviceStatus.online(
                            leg.name(), "leg", opened, leg.locality(), sizeBytes, List.of())
                    .as(
                            State.UNAVAIL,
                            leg.member().problem(),
                            leg.since(),
                            "make it reachable, restart the volume, then " + readd);
        }
        DeviceStatus own = MemberStatus.of(leg.member());
        return switch (leg.state()) {
            case IN_SYNC ->
                    leg.isSuspect()
                            ? own.as(
                                    State.DEGRADED,
                                    "%d reads failed, first: %s"
                                            .formatted(leg.readErrors(), leg.reason()),
                                    leg.since(),
                                    "check the disk, then uvol fail %s %s and %s"
                                            .formatted(volume, leg.name(), readd))
                            : own;
            case UNCLEAN ->
                    own.as(
                            State.DEGRADED,
                            "not in sync: %s; compared %s".formatted(leg.reason(), progress(leg)),
                            leg.since(),
                            "wait until it is in sync");
            case REBUILDING ->
                    own.as(
                            State.DEGRADED,
                            "resync: %s".formatted(progress(leg)),
                            leg.since(),
                            "wait until it is in sync");
            case STALE ->
                    own.as(
                            State.FAULTED,
                            "lacks writes: " + leg.reason(),
                            leg.since(),
                            "mend it, then " + readd);
        };
    }

    private static String progress(Leg leg) {
        return leg.resync() == null ? "0.0 %" : leg.resync().progress();
    }
}

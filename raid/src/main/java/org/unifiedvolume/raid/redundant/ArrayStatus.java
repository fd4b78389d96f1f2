package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.array.MemberStatus;
import org.unifiedvolume.request.Locality;

/// Puts the state of an array and its legs into words.
final class ArrayStatus {
    /// What a member that waits for a role is called among the children of an array.
    static final String SPARE = "spare";

    /// What a member is called that is to take the place of a complete one.
    static final String REPLACEMENT = "replacement";

    private final RedundantArray array;
    private final Instant opened;

    ArrayStatus(RedundantArray array, Instant opened) {
        this.array = array;
        this.opened = opened;
    }

    DeviceStatus now() {
        return array.legs().look(this::build);
    }

    private DeviceStatus build() {
        List<DeviceStatus> children = new ArrayList<>();
        Locality where = array.legs().all().getFirst().locality();
        DeviceStatus worst = null;
        long working = 0;
        for (Leg leg : array.legs().all()) {
            DeviceStatus status = statusOf(leg);
            children.add(status);
            where = where.and(leg.locality());
            if (leg.state().isComplete() && status.state().compareTo(State.DEGRADED) <= 0) {
                working |= leg.bit();
            }
            if (worst == null || status.state().compareTo(worst.state()) > 0) {
                worst = status;
            }
        }
        for (Replacement replacement : array.legs().reserve().replacements()) {
            children.add(statusOf(replacement));
        }
        for (Spare spare : array.legs().reserve().spares()) {
            children.add(statusOf(spare));
        }
        DeviceStatus online =
                DeviceStatus.online(
                        array.volume(),
                        array.level().name(),
                        opened,
                        where,
                        array.shape().sizeBytes(),
                        children);
        IOException unrecorded = array.legs().keeper().problem();
        if (unrecorded != null) {
            return online.as(
                    State.DEGRADED,
                    unrecorded.getMessage() + "; writes fail until then",
                    worst.since(),
                    "mend the legs' disks, or free space in the state folder");
        }
        if (worst.state() == State.ONLINE) {
            if (array.roles().isMeasured()) {
                return resyncing(online);
            }
            return isReshaped() ? reshaping(online) : scrubbed(withLosses(online));
        }
        String reason = "%s: %s".formatted(worst.name(), worst.reason());
        if (isReshaped()) {
            reason += "; being reshaped: " + array.jobs().reshape().words();
        }
        boolean works = array.level().isEnough(working);
        String reproach = works ? "" : array.behind().reproach();
        if (!reproach.isEmpty()) {
            return online.as(
                    worst.state(),
                    "%s; %s, and lacks acknowledged changes".formatted(reason, reproach),
                    worst.since(),
                    "make %s reachable: requests fail rather than show old bytes"
                            .formatted(worst.name()));
        }
        State state = works ? State.DEGRADED : worst.state();
        return online.as(state, reason, worst.since(), worst.remedy());
    }

    /// Every leg is complete, but they may still differ.
    private DeviceStatus resyncing(DeviceStatus online) {
        RowJob job = array.jobs().resync();
        String progress = job == null ? "" : ": " + job.progress().words();
        boolean isStuck = job != null && job.hasEnded();
        return isStuck
                ? online.as(
                        State.RESYNCING,
                        "the resync stopped" + progress,
                        opened,
                        "look at the log, then restart the volume")
                : online.as(
                        State.RESYNCING,
                        "not stopped cleanly" + progress,
                        opened,
                        "wait until it is done");
    }

    private boolean isReshaped() {
        return array.jobs().reshape() != null && !array.jobs().reshape().hasEnded();
    }

    /// Every leg is complete, and what the array holds is laid out over more of them.
    private DeviceStatus reshaping(DeviceStatus online) {
        ReshapeJob job = array.jobs().reshape();
        return online.as(
                State.RESHAPING,
                "reshape to %d members: %s".formatted(array.legs().all().size(), job.words()),
                job.progress().started(),
                job.problem().isEmpty()
                        ? "wait until it is done; the volume is larger then"
                        : "look at the log; it goes on by itself when its members answer");
    }

    /// What the last scrub found, as long as it has not been made right.
    private DeviceStatus scrubbed(DeviceStatus online) {
        RowJob job = array.jobs().scrub();
        if (job == null) {
            return online;
        }
        JobProgress progress = job.progress();
        boolean isWrong = progress.wrongBytes() > 0 && !array.jobs().scrubRepairs();
        if (!job.hasEnded()) {
            return online.as(State.ONLINE, "scrub: " + progress.words(), progress.started(), "");
        }
        return isWrong
                ? online.as(
                        State.ONLINE,
                        "the last scrub found %s that differ"
                                .formatted(Units.size(progress.wrongBytes())),
                        progress.started(),
                        "uvol scrub %s --repair".formatted(array.volume()))
                : online;
    }

    private DeviceStatus statusOf(Leg leg) {
        String volume = array.volume();
        String readd = "uvol re-add %s %s".formatted(volume, leg.name());
        if (leg.device() == null) {
            return DeviceStatus.online(leg.name(), "leg", opened, leg.locality(), 0, List.of())
                    .as(
                            State.UNAVAIL,
                            leg.opened().problem(),
                            leg.since(),
                            remedyOf(
                                    leg,
                                    leg.isAway()
                                            ? "make it reachable; it is taken in by itself"
                                            : "uvol add %s URI gives its role to another one"
                                                    .formatted(volume)));
        }
        DeviceStatus own = MemberStatus.of(leg.opened());
        if (leg.state().isComplete() && !array.legs().isRecorded(leg)) {
            return own.as(
                    State.REBUILDING,
                    "rebuild: done, being written down",
                    leg.since(),
                    "wait until it is in sync");
        }
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
                            : withLosses(leg, withChecksumErrors(leg, inStep(leg, own)));
            case BEHIND ->
                    own.state() == State.ONLINE
                            ? own.as(State.ONLINE, leg.queue().lag().words(), leg.since(), "")
                            : own;
            case REBUILDING ->
                    own.as(
                            State.REBUILDING,
                            "rebuild: %s".formatted(progress(leg)),
                            leg.since(),
                            "wait until it is in sync");
            case STALE ->
                    own.as(
                            State.FAULTED,
                            "lacks writes: " + leg.reason(),
                            leg.since(),
                            remedyOf(
                                    leg,
                                    leg.isAway()
                                            ? "make it reachable; it is taken in by itself"
                                            : "mend it, then " + readd));
        };
    }

    private static DeviceStatus statusOf(Replacement replacement) {
        RowJob job = replacement.job();
        return DeviceStatus.online(
                        replacement.name(),
                        REPLACEMENT,
                        replacement.since(),
                        replacement.member().locality(),
                        replacement.member().device().shape().sizeBytes(),
                        List.of())
                .as(
                        State.REBUILDING,
                        "is to take the place of %s: %s"
                                .formatted(
                                        replacement.leg().name(),
                                        job == null ? "0.0 %" : job.progress().words()),
                        replacement.since(),
                        "wait until it has");
    }

    private DeviceStatus statusOf(Spare spare) {
        String volume = array.volume();
        if (spare.isMissing()) {
            return DeviceStatus.online(
                            spare.name(), SPARE, opened, spare.member().locality(), 0, List.of())
                    .as(
                            State.UNAVAIL,
                            "a spare: " + spare.opened().problem(),
                            opened,
                            "make it reachable, or uvol remove %s %s"
                                    .formatted(volume, spare.name()));
        }
        DeviceStatus own =
                DeviceStatus.online(
                        spare.name(),
                        SPARE,
                        spare.since(),
                        spare.member().locality(),
                        spare.member().device().shape().sizeBytes(),
                        List.of());
        String problem = array.membership().problemOf(spare);
        return problem == null
                ? own.as(State.SPARE, "waits for a role", spare.since(), "")
                : own.as(
                        State.FAULTED,
                        "a spare that cannot be used: " + problem,
                        spare.since(),
                        "uvol remove %s %s".formatted(volume, spare.name()));
    }

    /// What a user may do, and what will be done in place of that.
    private String remedyOf(Leg leg, String remedy) {
        String outlook = array.succession().outlook(leg);
        return outlook.isEmpty() ? remedy : "%s; %s".formatted(remedy, outlook);
    }

    /// What was found wrong on one leg is mended from the others, and no fault, but users should
    /// know.
    private DeviceStatus withChecksumErrors(Leg leg, DeviceStatus own) {
        long errors = leg.hasChecksums() ? leg.member().integrity().errorCount() : 0;
        return errors == 0 || own.state() != State.ONLINE
                ? own
                : own.as(
                        State.ONLINE,
                        "%d checksum errors were found".formatted(errors),
                        own.since(),
                        "uvol scrub %s looks for more; replace the disk if there are"
                                .formatted(array.volume()));
    }

    /// What is lost is no fault of the leg, and cannot be mended but by writing.
    private DeviceStatus withLosses(Leg leg, DeviceStatus own) {
        long lost = leg.member().lost().totalBytes();
        return lost == 0 || own.state() != State.ONLINE
                ? own
                : own.as(
                        State.ONLINE,
                        "%s lost".formatted(Units.size(lost)),
                        own.since(),
                        "restore what lies there: uvol detail %s --json lists the ranges"
                                .formatted(array.volume()));
    }

    /// The legs are good, and some of them lack what no other leg could give them.
    private DeviceStatus withLosses(DeviceStatus online) {
        for (Leg leg : array.legs().all()) {
            if (leg.hasLosses()) {
                DeviceStatus own = withLosses(leg, online);
                return online.as(
                        State.ONLINE,
                        "%s: %s".formatted(leg.name(), own.reason()),
                        online.since(),
                        own.remedy());
            }
        }
        return online;
    }

    /// A leg that is written behind says when it is not.
    private static DeviceStatus inStep(Leg leg, DeviceStatus own) {
        return leg.queue() == null || own.state() != State.ONLINE
                ? own
                : own.as(State.ONLINE, leg.queue().lag().words(), own.since(), "");
    }

    private static String progress(Leg leg) {
        return leg.rebuild() == null ? "0.0 %" : leg.rebuild().progress().words();
    }
}

package org.unifiedvolume.raid.spread;

import java.util.List;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.array.MemberStatus;
import org.unifiedvolume.request.Locality;

/// Puts the state of an array that needs all of its members into words.
final class SpreadStatus {
    private final SpreadArray array;

    SpreadStatus(SpreadArray array) {
        this.array = array;
    }

    DeviceStatus now() {
        List<DeviceStatus> children = array.memberStates();
        DeviceStatus worst = children.getFirst();
        Locality where = worst.locality();
        for (DeviceStatus child : children) {
            where = where.and(child.locality());
            worst = child.state().compareTo(worst.state()) > 0 ? child : worst;
        }
        DeviceStatus online =
                DeviceStatus.online(
                        array.volume(),
                        array.level(),
                        array.opened(),
                        where,
                        array.shape().sizeBytes(),
                        children);
        if (worst.state() != State.ONLINE) {
            return online.as(
                    worst.state(),
                    "%s: %s".formatted(worst.name(), worst.reason()),
                    worst.since(),
                    worst.remedy());
        }
        ReshapeJob job = array.job();
        return job == null || job.hasEnded() ? noted(online) : reshaping(online, job);
    }

    private DeviceStatus reshaping(DeviceStatus online, ReshapeJob job) {
        String words = "%s: %s".formatted(job.progress().name(), job.progress().words());
        String problem = job.problem();
        return problem.isEmpty()
                ? online.as(
                        State.RESHAPING, words, job.progress().started(), "wait until it is done")
                : online.as(
                        State.RESHAPING,
                        "%s; waits: %s".formatted(words, problem),
                        job.progress().started(),
                        "mend the member; it goes on by itself");
    }

    private DeviceStatus noted(DeviceStatus online) {
        String failed = array.watch().remark();
        String both = array.note() + (array.note().isEmpty() || failed.isEmpty() ? "" : "; ");
        return online.as(
                State.ONLINE,
                both + failed,
                array.opened(),
                failed.isEmpty() ? "" : "check the disk or the network");
    }

    /// The state of a member.
    ///
    /// @param trouble what is known to be wrong with it; null if nothing is
    static DeviceStatus of(SpreadMember member, MemberWatch.Trouble trouble) {
        DeviceStatus own = MemberStatus.of(member.opened());
        if (trouble == null || own.state().compareTo(trouble.state()) >= 0) {
            return own;
        }
        return own.as(
                trouble.state(),
                trouble.reason(),
                trouble.since(),
                trouble.isStranger()
                        ? "bring the member back; requests fail until then"
                        : trouble.state() == State.UNAVAIL
                                ? "make it reachable"
                                : "check the disk; the array cannot do without it");
    }
}

package org.unifiedvolume.raid.array;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.spi.LayoutMember;

/// The members of an array that cannot do without any of them.
///
/// @param kind the array's level
/// @param note what users should know although everything works; may be empty
/// @param remedy what to do about the note; may be empty
record ArrayMembers(
        String volume,
        String kind,
        List<LayoutMember> members,
        Instant opened,
        String note,
        String remedy) {

    /// Checks that all members are there.
    ///
    /// @throws IOException naming the missing one
    static ArrayMembers complete(String volume, String kind, List<LayoutMember> members)
            throws IOException {
        for (LayoutMember member : members) {
            if (member.isMissing()) {
                throw new IOException(
                        "volume %s: level %s needs all of its members, and %s cannot be opened: %s"
                                .formatted(volume, kind, member.name(), member.problem()));
            }
        }
        return new ArrayMembers(volume, kind, List.copyOf(members), Instant.now(), "", "");
    }

    ArrayMembers withNote(String newNote, String newRemedy) {
        return new ArrayMembers(volume, kind, members, opened, newNote, newRemedy);
    }

    BlockDevice[] devices() {
        return members.stream().map(LayoutMember::device).toArray(BlockDevice[]::new);
    }

    Locality[] localities() {
        return members.stream().map(LayoutMember::locality).toArray(Locality[]::new);
    }

    /// The largest block of all members: their common grid.
    int blockBytes() {
        int block = 1;
        for (LayoutMember member : members) {
            block = Math.max(block, member.device().shape().blockBytes());
        }
        return block;
    }

    Locality locality() {
        Locality all = members.getFirst().locality();
        for (LayoutMember member : members) {
            all = all.and(member.locality());
        }
        return all;
    }

    /// The status of the array: as bad as its worst member's.
    DeviceStatus status(long sizeBytes) {
        List<DeviceStatus> children = new ArrayList<>();
        DeviceStatus worst = null;
        for (LayoutMember member : members) {
            DeviceStatus status = MemberStatus.of(member);
            children.add(status);
            if (worst == null || status.state().compareTo(worst.state()) > 0) {
                worst = status;
            }
        }
        DeviceStatus online =
                DeviceStatus.online(volume, kind, opened, locality(), sizeBytes, children);
        if (worst == null || worst.state() == State.ONLINE) {
            return online.as(State.ONLINE, note, opened, remedy);
        }
        return online.as(
                worst.state(),
                "%s: %s".formatted(worst.name(), worst.reason()),
                worst.since(),
                worst.remedy());
    }

    void close() {
        for (LayoutMember member : members) {
            if (!member.isMissing()) {
                member.device().close();
            }
        }
    }
}

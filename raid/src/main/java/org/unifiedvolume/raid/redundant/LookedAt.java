package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.util.List;
import org.unifiedvolume.raid.superblock.Candidate;
import org.unifiedvolume.raid.superblock.MetadataPlace;
import org.unifiedvolume.raid.superblock.Superblock;
import org.unifiedvolume.raid.superblock.SuperblockSlots;
import org.unifiedvolume.spi.LayoutMember;

/// A device that is to be a member of an array, and what it carries.
///
/// @param slots its superblocks; null if it is missing or cannot be read
public record LookedAt(LayoutMember member, SuperblockSlots slots, Candidate candidate) {
    /// Looks at a device, which may be missing. Blocks.
    ///
    /// @param expected where its superblocks are if it carries some at both places; null for none
    public static LookedAt at(LayoutMember member, MetadataPlace expected, BlockingLegs blocking) {
        if (member.isMissing()) {
            return new LookedAt(member, null, new Candidate(member.name(), null, member.problem()));
        }
        try {
            SuperblockSlots slots =
                    SuperblockSlots.read(new MemberAccess(member.device(), blocking), expected);
            Superblock found = slots.current();
            String problem = found == null ? slots.damage() : "";
            return new LookedAt(member, slots, new Candidate(member.name(), found, problem));
        } catch (IOException e) {
            String problem = "its superblock cannot be read: " + e.getMessage();
            return new LookedAt(member, null, new Candidate(member.name(), null, problem));
        }
    }

    /// What it carries; null if nothing that can be used.
    public Superblock superblock() {
        return candidate.superblock();
    }

    /// Whether an array was being made and not all of its members may have a superblock yet.
    public static boolean areUnfinished(List<LookedAt> members) {
        return members.stream()
                .allMatch(one -> one.superblock() == null || one.superblock().events() == 0);
    }

    /// Refuses to make a new array of devices that carry what cannot be read.
    public static void checkNothingUnusable(String volume, List<LookedAt> members)
            throws IOException {
        for (LookedAt one : members) {
            if (!one.member.isMissing() && !one.candidate.problem().isEmpty()) {
                throw new IOException(
                        "volume %s: %s: %s. To give up what it is, uvol zero-superblock it"
                                .formatted(volume, one.candidate.name(), one.candidate.problem()));
            }
        }
    }
}

package org.unifiedvolume.raid.offline;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.raid.redundant.BlockingLegs;
import org.unifiedvolume.raid.redundant.LookedAt;
import org.unifiedvolume.raid.redundant.MemberAccess;
import org.unifiedvolume.raid.redundant.VirtualThreads;
import org.unifiedvolume.raid.superblock.Candidate;
import org.unifiedvolume.raid.superblock.SuperblockSlots;
import org.unifiedvolume.spi.ArrayTools;
import org.unifiedvolume.spi.LayoutMember;

/// Works on members of arrays by what their superblocks say.
public final class OfflineArrays implements ArrayTools {
    @Override
    public Carried examine(LayoutMember member, IoContext io) throws IOException {
        checkThere(member);
        return new MemberReport(member, blocking(io)).look();
    }

    private static BlockingLegs blocking(IoContext io) {
        return new BlockingLegs(io, new VirtualThreads());
    }

    private static void checkThere(LayoutMember member) throws IOException {
        if (member.isMissing()) {
            throw new IOException(
                    "%s cannot be opened: %s".formatted(member.name(), member.problem()));
        }
    }

    @Override
    public void erase(LayoutMember member, boolean force, IoContext io) throws IOException {
        checkThere(member);
        SuperblockSlots slots =
                SuperblockSlots.read(new MemberAccess(member.device(), blocking(io)));
        if (slots.current() == null && !force) {
            throw new IOException(
                    slots.damage().isEmpty()
                            ? "%s carries no superblock; there is nothing to wipe"
                                    .formatted(member.name())
                            : "%s: %s; --force wipes it all the same"
                                    .formatted(member.name(), slots.damage()));
        }
        slots.erase();
    }

    @Override
    public List<Found> find(List<LayoutMember> members, IoContext io) {
        Map<UUID, List<Candidate>> arrays = new LinkedHashMap<>();
        List<Candidate> unreadable = new ArrayList<>();
        for (LayoutMember member : members) {
            Candidate candidate = LookedAt.at(member, null, blocking(io)).candidate();
            if (candidate.superblock() != null) {
                arrays.computeIfAbsent(
                                candidate.superblock().array().uuid(), _ -> new ArrayList<>())
                        .add(candidate);
            } else if (!candidate.problem().isEmpty()) {
                unreadable.add(candidate);
            }
        }
        return arrays.values().stream()
                .map(candidates -> new ArrayReport(candidates, unreadable).make())
                .toList();
    }
}

package org.unifiedvolume.raid.spread;

import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.raid.array.CommonShape;
import org.unifiedvolume.raid.redundant.BlockingLegs;
import org.unifiedvolume.raid.redundant.LookedAt;
import org.unifiedvolume.raid.redundant.NewMember;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.raid.superblock.MemberLayout;
import org.unifiedvolume.raid.superblock.Reshape;
import org.unifiedvolume.raid.superblock.Superblock;
import org.unifiedvolume.raid.superblock.SuperblockSlots;
import org.unifiedvolume.spi.LayoutMember;

/// Takes more members into an array that needs all of them.
///
/// All that could be wrong is looked at before anything is written. Then they are announced, which
/// means nothing yet, and one state says that they belong to it: whatever is killed in between, a
/// start finds the array as it was, or with all of them. Until then no byte of it has moved.
/// Blocks.
final class Extension {
    private static final Logger LOG = LoggerFactory.getLogger(Extension.class);

    private final SpreadArray array;
    private final SpreadRecord record;
    private final BlockingLegs blocking;
    private final LongSupplier randomIds;

    Extension(
            SpreadArray array, SpreadRecord record, BlockingLegs blocking, LongSupplier randomIds) {
        this.array = array;
        this.record = record;
        this.blocking = blocking;
        this.randomIds = randomIds;
    }

    /// Writes down that the array has more members.
    ///
    /// @param force whether what they carry may be given up
    /// @throws IOException if they must not be taken, and nothing was written; or if writing failed
    void extend(List<LayoutMember> fresh, boolean force) throws IOException {
        ArrayDescription before = record.array();
        if (before.roles() + fresh.size() > Superblock.MAX_MEMBERS) {
            throw array.refusal(
                    "it has %d members, and there may be %d at most"
                            .formatted(before.roles(), Superblock.MAX_MEMBERS));
        }
        checkNames(fresh);
        List<MemberAreas> areas = new ArrayList<>();
        for (LayoutMember member : fresh) {
            checkAbilities(member);
            areas.add(areasOn(member));
        }
        for (LayoutMember member : fresh) {
            checkContent(member, force);
        }
        List<SpreadMember> all = new ArrayList<>(record.members());
        long rows = before.rowBytes();
        long size = before.sizeBytes();
        try {
            for (int i = 0; i < fresh.size(); i++) {
                long own = isLinear(before) ? rowsOf(areas.get(i)) : rows;
                size = isLinear(before) ? Math.addExact(size, own) : size;
                Math.multiplyExact(rows, (long) before.roles() + fresh.size());
                all.add(member(fresh.get(i), areas.get(i), own));
            }
        } catch (ArithmeticException e) {
            throw array.refusal("its members would be larger than 8 EiB together");
        }
        for (SpreadMember member : all.subList(before.roles(), all.size())) {
            prepare(member);
        }
        save(describe(before, all.size(), size), all);
        LOG.info(
                "volume {}: {} added",
                array.volume(),
                String.join(", ", fresh.stream().map(LayoutMember::name).toList()));
    }

    private static boolean isLinear(ArrayDescription array) {
        return array.level() == ArrayDescription.LINEAR;
    }

    private long rowsOf(MemberAreas areas) {
        return SpreadPlan.wholeBlocks(areas.data().length(), array.shape().blockBytes());
    }

    private void checkNames(List<LayoutMember> fresh) throws IOException {
        Set<String> names = new HashSet<>(array.memberNames());
        for (LayoutMember member : fresh) {
            if (!names.add(member.name())) {
                throw array.refusal(
                        "%s is a member of it already, or was named twice"
                                .formatted(member.name()));
            }
            if (member.isMissing()) {
                throw array.refusal(
                        "%s cannot be opened: %s".formatted(member.name(), member.problem()));
            }
        }
    }

    /// Clients of the array were told what it can do; a new member has to do the same.
    private void checkAbilities(LayoutMember fresh) throws IOException {
        NewMember.checkWritable(array.volume(), fresh);
        DeviceShape shape = array.shape();
        List<LayoutMember> all =
                Stream.concat(record.members().stream().map(SpreadMember::opened), Stream.of(fresh))
                        .toList();
        DeviceShape common = CommonShape.of(array.volume(), all, shape.sizeBytes());
        if (common.blockBytes() > shape.blockBytes()) {
            throw array.refusal(
                    "%s has blocks of %s, and clients of the array were told of %s; take another one"
                            .formatted(
                                    fresh.name(),
                                    Units.size(common.blockBytes()),
                                    Units.size(shape.blockBytes())));
        }
        if (common.maxTransferBytes() < shape.maxTransferBytes()
                || common.memoryAlignmentBytes() > shape.memoryAlignmentBytes()
                || !common.abilities().containsAll(promised(shape))) {
            throw array.refusal(
                    "%s can do less than the members so far, and clients of the array rely on that; take another one, or add it when the volume is started anew"
                            .formatted(fresh.name()));
        }
    }

    /// What clients may rely on. Payloads in pipes are fetched by members that cannot drain these.
    private static Set<Ability> promised(DeviceShape shape) {
        Set<Ability> all = EnumSet.noneOf(Ability.class);
        all.addAll(shape.abilities());
        all.remove(Ability.DRAIN);
        return all;
    }

    private MemberAreas areasOn(LayoutMember fresh) throws IOException {
        MemberAreas areas =
                MemberLayout.plan(
                        fresh.device().shape().sizeBytes(),
                        record.members().getFirst().areas().place(),
                        new MemberLayout.Wishes(false, 0, false));
        ArrayDescription now = record.array();
        long least = isLinear(now) ? array.shape().blockBytes() : now.rowBytes();
        if (areas == null || areas.data().length() < least) {
            throw array.refusal(
                    "%s has room for %s, and the array needs %s of a member; take a larger one"
                            .formatted(
                                    fresh.name(),
                                    Units.size(areas == null ? 0 : areas.data().length()),
                                    Units.size(least)));
        }
        return areas;
    }

    private void checkContent(LayoutMember fresh, boolean force) throws IOException {
        Superblock carried = LookedAt.at(fresh, null, blocking).superblock();
        boolean isUsed =
                carried != null
                        && record.members().stream()
                                .anyMatch(member -> member.uuid().equals(carried.member()));
        if (isUsed) {
            throw array.refusal("%s is a member of it already".formatted(fresh.name()));
        }
        if (!force) {
            NewMember.checkBlank(array.volume(), fresh, blocking);
        }
    }

    private SpreadMember member(LayoutMember fresh, MemberAreas areas, long rows)
            throws IOException {
        SuperblockSlots slots = LookedAt.at(fresh, areas.place(), blocking).slots();
        if (slots == null) {
            throw array.refusal("%s cannot be read".formatted(fresh.name()));
        }
        UUID uuid = new UUID(randomIds.getAsLong(), randomIds.getAsLong());
        return new SpreadMember(fresh, uuid, slots, areas, rows);
    }

    private void prepare(SpreadMember member) throws IOException {
        member.slots().erase();
        try {
            NewMember.clearAreas(
                    array.volume(), member.opened(), member.uuid(), member.areas(), blocking);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while a member was prepared", e);
        }
    }

    private static ArrayDescription describe(ArrayDescription before, int roles, long size) {
        ArrayDescription larger =
                new ArrayDescription(
                        before.uuid(),
                        before.name(),
                        before.level(),
                        before.copies(),
                        before.chunkBytes(),
                        size,
                        before.rowBytes(),
                        roles,
                        before.createdMicros());
        return isLinear(before)
                ? larger
                : larger.withReshape(new Reshape(0, before.roles(), before.chunkBytes()));
    }

    private void save(ArrayDescription next, List<SpreadMember> all) throws IOException {
        try {
            record.announce(next, all);
            record.save(next, all, false);
        } catch (IOException e) {
            throw new IOException(
                    "%s. The volume goes on as it was, but its next start may find it with the new members: keep these where they are"
                            .formatted(e.getMessage()),
                    e);
        }
    }
}

package org.unifiedvolume.raid.spread;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.raid.redundant.ArrayOptions;
import org.unifiedvolume.raid.redundant.BlockingLegs;
import org.unifiedvolume.raid.redundant.LookedAt;
import org.unifiedvolume.raid.redundant.NewArray;
import org.unifiedvolume.raid.redundant.NewMember;
import org.unifiedvolume.raid.redundant.Surroundings;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.raid.superblock.Assembly;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.raid.superblock.MetadataPlace;
import org.unifiedvolume.raid.superblock.Superblock;
import org.unifiedvolume.raid.superblock.SuperblockSlots;
import org.unifiedvolume.raid.superblock.Verdict;
import org.unifiedvolume.spi.LayoutContext;
import org.unifiedvolume.spi.LayoutMember;

/// Puts an array that needs all of its members together: blank ones are made into a new array,
/// those that carry superblocks take the roles that these say. Blocks.
public final class SpreadStart {
    private static final Logger LOG = LoggerFactory.getLogger(SpreadStart.class);

    private final String volume;
    private final List<LayoutMember> written;
    private final SpreadPlan plan;
    private final ArrayOptions options;
    private final Surroundings surroundings;
    private final BlockingLegs blocking;
    private final StringBuilder remarks = new StringBuilder();

    public SpreadStart(
            List<LayoutMember> members,
            SpreadPlan plan,
            ArrayOptions options,
            LayoutContext context,
            Surroundings surroundings) {
        this.volume = context.volume();
        this.written = List.copyOf(members);
        this.plan = plan;
        this.options = options;
        this.surroundings = surroundings;
        this.blocking = new BlockingLegs(context.io(), surroundings.threads());
    }

    /// Makes one device of the members.
    ///
    /// @throws IOException if one is missing, stale, foreign or does not fit, saying which
    public SpreadArray open() throws IOException {
        checkNames();
        List<LookedAt> looked = look();
        Assembly assembly = assembly(looked);
        ArrayDescription found = assembly.identify();
        if (found == null || LookedAt.areUnfinished(looked)) {
            LookedAt.checkNothingUnusable(volume, looked);
            newArray().make();
            looked = look();
            assembly = assembly(looked);
            found = assembly.identify();
        }
        plan.check(found);
        int roles = found.roles();
        Verdict verdict = assembly.decide(complete -> Long.bitCount(complete) == roles);
        SpreadArray array = connect(verdict, looked);
        array.begin();
        return array;
    }

    /// Whether a new array can be made of the members, whatever they carry; nothing is written.
    public void checkNew() throws IOException {
        checkNames();
        newArray().check();
    }

    private NewArray newArray() {
        return new NewArray(volume, written, plan, options, blocking, surroundings);
    }

    private void checkNames() throws IOException {
        Set<String> seen = new HashSet<>();
        for (LayoutMember member : written) {
            if (!seen.add(member.name())) {
                throw new IOException(
                        "volume %s: two members are called %s; name each once"
                                .formatted(volume, member.name()));
            }
        }
    }

    private List<LookedAt> look() {
        return written.stream()
                .map(member -> LookedAt.at(member, options.metadata(), blocking))
                .toList();
    }

    private Assembly assembly(List<LookedAt> looked) {
        return new Assembly(
                volume, looked.stream().map(LookedAt::candidate).toList(), null, "", null);
    }

    private SpreadArray connect(Verdict verdict, List<LookedAt> looked) throws IOException {
        List<SpreadMember> members = new ArrayList<>();
        Set<LookedAt> unused = new HashSet<>(looked);
        long events = 0;
        for (Verdict.Seat seat : verdict.seats()) {
            LookedAt one = looked.get(seat.candidate());
            unused.remove(one);
            NewMember.checkWritable(volume, one.member());
            members.add(memberOf(one));
        }
        for (LookedAt one : looked) {
            Superblock carried = one.superblock();
            events = Math.max(events, carried == null ? 0 : carried.events());
        }
        checkFit(verdict.freshest().array(), members);
        verdict.remarks().forEach(this::remark);
        for (LookedAt one : unused) {
            if (one.superblock() == null && one.candidate().problem().isEmpty()) {
                remark(
                        "%s carries nothing and is not used; uvol grow %s --add takes it in"
                                .formatted(one.member().name(), volume));
            }
        }
        SpreadRecord record =
                new SpreadRecord(
                        volume, verdict.freshest(), events, members, surroundings.nowMillis());
        SpreadArray array =
                new SpreadArray(
                        volume,
                        plan.name(),
                        record,
                        blocking,
                        surroundings.randomIds(),
                        remarks.toString(),
                        options.jobs());
        for (LookedAt one : unused) {
            if (!one.member().isMissing()) {
                one.member().device().close();
            }
        }
        return array;
    }

    private void remark(String words) {
        LOG.warn("volume {}: {}", volume, words);
        remarks.append(remarks.isEmpty() ? "" : "; ").append(words);
    }

    private static SpreadMember memberOf(LookedAt one) {
        SuperblockSlots slots = one.slots();
        Superblock carried = slots.current();
        MemberAreas areas = carried.areas();
        if (areas.place() == MetadataPlace.START) {
            areas = areas.onMember(one.member().device().shape().sizeBytes());
        }
        return new SpreadMember(
                one.member(), carried.member(), slots, areas, carried.array().rowBytes());
    }

    /// Whether the members still are what the array was made of.
    private void checkFit(ArrayDescription array, List<SpreadMember> members) throws IOException {
        int block = 1;
        long all = 0;
        for (SpreadMember member : members) {
            block = Math.max(block, member.device().shape().blockBytes());
            all += member.rowBytes();
        }
        for (SpreadMember member : members) {
            boolean isOnGrid =
                    member.rowBytes() % block == 0 && member.areas().data().offset() % block == 0;
            if (!isOnGrid || (array.chunkBytes() > 0 && array.chunkBytes() < block)) {
                throw new IOException(
                        "volume %s: a member has blocks of %s now, and %s is laid out in smaller ones; open it as it was"
                                .formatted(volume, Units.size(block), member.name()));
            }
        }
        boolean isLinear = array.level() == ArrayDescription.LINEAR;
        if (isLinear && all != array.sizeBytes()) {
            throw new IOException(
                    "volume %s: its members use %d bytes together, and the array has %d: a superblock was forged"
                            .formatted(volume, all, array.sizeBytes()));
        }
    }
}

package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.raid.integrity.IntegrityLayer;
import org.unifiedvolume.raid.redundant.MemberContent.Content;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.raid.superblock.Epoch;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.raid.superblock.MemberEntry;
import org.unifiedvolume.raid.superblock.MemberLayout;
import org.unifiedvolume.raid.superblock.MemberState;
import org.unifiedvolume.raid.superblock.MetadataPlace;
import org.unifiedvolume.raid.superblock.Superblock;
import org.unifiedvolume.raid.superblock.SuperblockSlots;
import org.unifiedvolume.raid.superblock.Verdict;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.spi.LayoutMember;

/// Makes an array of members that are none's yet: looks at what they carry, plans where everything
/// goes, and writes the first superblocks.
///
/// Until all members have one, the count of events is 0: a start that finds no other begins anew.
public final class NewArray {
    private static final Logger LOG = LoggerFactory.getLogger(NewArray.class);

    private static final String KEEPING =
            "metadata: end and primary: with the one whose content is to be kept; or ";

    private final String volume;
    private final List<LayoutMember> members;
    private final ArrayPlan plan;
    private final ArrayOptions options;
    private final BlockingLegs blocking;
    private final Surroundings surroundings;

    public NewArray(
            String volume,
            List<LayoutMember> members,
            ArrayPlan plan,
            ArrayOptions options,
            BlockingLegs blocking,
            Surroundings surroundings) {
        this.volume = volume;
        this.members = members;
        this.plan = plan;
        this.options = options;
        this.blocking = blocking;
        this.surroundings = surroundings;
    }

    /// Makes the array.
    ///
    /// @return who is good: the first superblock that is written is the next one
    /// @throws IOException if it must not be made so, before anything was written; or if writing
    ///     failed
    public Verdict make() throws IOException {
        checkMembers();
        MemberAreas[] areas = planAreas();
        List<ArrayDescription> arrays = describe(areas);
        for (int i = 0; i < areas.length; i++) {
            areas[i] = areas[i].forRows(arrays.get(i).rowBytes());
        }
        int primary = primary();
        boolean areZero = areSurelyZero();
        for (int i = 0; i < areas.length; i++) {
            areas[i] = areas[i].withUnprovenData(!areZero);
        }
        boolean clean = areZero || options.assumeClean();
        return write(arrays, areas, primary, clean);
    }

    /// Whether the array could be made, whatever its members carry. Nothing is written.
    public void check() throws IOException {
        checkMembers();
        describe(planAreas());
        primary();
    }

    private int primary() throws IOException {
        return options.primary() == null ? firstLocal() : named(options.primary());
    }

    private void checkMembers() throws IOException {
        for (LayoutMember member : members) {
            if (member.isMissing()) {
                throw new IOException(
                        ("volume %s: this array is new, and %s cannot be opened: %s. Start it once"
                                        + " with all members, or leave that one out")
                                .formatted(volume, member.name(), member.problem()));
            }
            NewMember.checkWritable(volume, member);
        }
    }

    private MemberAreas[] planAreas() throws IOException {
        MemberLayout.Wishes wishes =
                new MemberLayout.Wishes(
                        options.bitmap(), plan.hasJournal() ? -1 : 0, options.integrity());
        MemberAreas[] areas = new MemberAreas[members.size()];
        for (int i = 0; i < areas.length; i++) {
            LayoutMember member = members.get(i);
            areas[i] = MemberLayout.plan(sizeOf(member), options.metadata(), wishes);
            if (areas[i] == null) {
                throw new IOException(
                        "volume %s: %s has %s, too little for the array's own data; enlarge it to %s at least"
                                .formatted(
                                        volume,
                                        member.name(),
                                        Units.size(sizeOf(member)),
                                        Units.size(
                                                MemberLayout.leastBytes(
                                                        options.metadata(), wishes))));
            }
        }
        return areas;
    }

    private List<ArrayDescription> describe(MemberAreas[] areas) throws IOException {
        int smallest = 0;
        int largest = 0;
        int block = 1;
        for (int i = 0; i < areas.length; i++) {
            smallest = dataOf(areas[i]) < dataOf(areas[smallest]) ? i : smallest;
            largest = dataOf(areas[i]) > dataOf(areas[largest]) ? i : largest;
            DeviceShape shape = members.get(i).device().shape();
            shape = options.integrity() ? IntegrityLayer.inBlocks(shape) : shape;
            block = Math.max(block, shape.blockBytes());
        }
        long least = dataOf(areas[smallest]);
        if (options.sizeBytes() > least) {
            throw new IOException(
                    "volume %s: size: is %s, but %s has room for %s; write a smaller size"
                            .formatted(
                                    volume,
                                    Units.size(options.sizeBytes()),
                                    members.get(smallest).name(),
                                    Units.size(least)));
        }
        long used = options.sizeBytes() == 0 ? least : options.sizeBytes();
        boolean isWhole = options.sizeBytes() > 0 || plan.usesAllOfEach();
        if (!isWhole && dataOf(areas[largest]) > least) {
            LOG.warn(
                    "volume {}: uses {} of each member, as much as {} has; {} has {}",
                    volume,
                    Units.size(least),
                    members.get(smallest).name(),
                    members.get(largest).name(),
                    Units.size(dataOf(areas[largest])));
        }
        UUID uuid = newUuid();
        long now = surroundings.nowMillis().getAsLong() * 1000;
        try {
            long[] data = Arrays.stream(areas).mapToLong(NewArray::dataOf).toArray();
            return plan.describeEach(uuid, volume, data, used, block, now);
        } catch (ArithmeticException e) {
            throw new IOException(
                    "volume %s: its members are larger than 8 EiB together; leave some out"
                            .formatted(volume),
                    e);
        }
    }

    private static long dataOf(MemberAreas areas) {
        return areas.data().length();
    }

    private static long sizeOf(LayoutMember member) {
        return member.device().shape().sizeBytes();
    }

    private UUID newUuid() {
        long high = (surroundings.randomIds().getAsLong() & ~0xf000L) | 0x4000L;
        long low = (surroundings.randomIds().getAsLong() >>> 2) | Long.MIN_VALUE;
        return new UUID(high, low);
    }

    private int firstLocal() {
        for (int i = 0; i < members.size(); i++) {
            if (members.get(i).locality() == Locality.LOCAL) {
                return i;
            }
        }
        return 0;
    }

    private int named(String name) throws IOException {
        List<String> names = members.stream().map(LayoutMember::name).toList();
        int index = names.indexOf(name);
        if (index < 0) {
            throw new IOException(
                    "volume %s: primary: %s is none of its members; write one of %s"
                            .formatted(volume, name, String.join(", ", names)));
        }
        return index;
    }

    /// Refuses to overwrite what members carry.
    ///
    /// @return whether all of them are known to hold zeroes where data will be
    private boolean areSurelyZero() throws IOException {
        boolean allZero = true;
        StringBuilder carried = new StringBuilder();
        for (int i = 0; i < members.size(); i++) {
            LayoutMember member = members.get(i);
            Content content = contentOf(member);
            allZero &= content.isSurelyZero();
            boolean counts = options.assumeClean() || member.name().equals(options.primary());
            boolean isKept = counts && options.metadata() == MetadataPlace.END;
            if (!content.isBlank() && !isKept && !options.force()) {
                carried.append(carried.isEmpty() ? "" : "; ");
                carried.append(member.name()).append(" holds ").append(content.words());
            }
        }
        if (!carried.isEmpty()) {
            throw new IOException(
                    ("volume %s: this array is new, and would overwrite its members: %s. Take that"
                                    + " one out; or write %sforce: true to give up what they hold")
                            .formatted(volume, carried, plan.keepsContent() ? KEEPING : ""));
        }
        return allZero;
    }

    /// What a member carries. A superblock of an array that was never finished is nothing: whoever
    /// wrote it has looked at what was there before.
    private Content contentOf(LayoutMember member) throws IOException {
        Superblock carried =
                SuperblockSlots.read(new MemberAccess(member.device(), blocking)).current();
        return carried != null && carried.events() == 0
                ? new Content("", false)
                : MemberContent.look(member.device(), blocking);
    }

    private Verdict write(
            List<ArrayDescription> arrays, MemberAreas[] areas, int primary, boolean clean)
            throws IOException {
        // A content that counts has to be copied before the others count; else all may go on at
        // once, as nothing has been written that they could differ in.
        boolean hasContent = options.primary() != null && !options.assumeClean();
        List<MemberEntry> entries = new ArrayList<>();
        List<Verdict.Seat> seats = new ArrayList<>();
        long now = surroundings.nowMillis().getAsLong();
        for (int i = 0; i < members.size(); i++) {
            MemberState state =
                    hasContent && i != primary ? MemberState.REBUILDING : MemberState.IN_SYNC;
            long filled = state == MemberState.IN_SYNC ? arrays.get(i).rowBytes() : 0;
            entries.add(
                    new MemberEntry(newUuid(), i, state, now, 0, filled, members.get(i).name()));
            seats.add(new Verdict.Seat(i, state, filled, ""));
        }
        Epoch epoch = new Epoch(1, surroundings.randomIds().getAsLong());
        Superblock first = null;
        for (int i = 0; i < members.size(); i++) {
            Superblock superblock =
                    new Superblock(
                            arrays.get(i),
                            entries.get(i).member(),
                            i,
                            areas[i],
                            0,
                            epoch,
                            List.of(),
                            now * 1000,
                            clean || hasContent,
                            primary,
                            0,
                            entries);
            prepare(members.get(i), superblock);
            first = first == null ? superblock : first;
        }
        return new Verdict(first, seats, List.of(), List.of());
    }

    private void prepare(LayoutMember member, Superblock superblock) throws IOException {
        MemberAreas areas = superblock.areas();
        MemberAccess access = new MemberAccess(member.device(), blocking);
        try {
            NewMember.clearAreas(volume, member, superblock.member(), areas, blocking);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while %s was made".formatted(volume), e);
        }
        SuperblockSlots slots = SuperblockSlots.read(access);
        slots.erase();
        slots.write(superblock);
    }
}

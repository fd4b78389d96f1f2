package org.unifiedvolume.raid;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.raid.redundant.ArrayOptions;
import org.unifiedvolume.raid.redundant.BlockingLegs;
import org.unifiedvolume.raid.redundant.JobOptions;
import org.unifiedvolume.raid.redundant.LookedAt;
import org.unifiedvolume.raid.redundant.Surroundings;
import org.unifiedvolume.raid.redundant.VirtualThreads;
import org.unifiedvolume.raid.redundant.WitnessStore;
import org.unifiedvolume.raid.spread.SpreadPlan;
import org.unifiedvolume.raid.spread.SpreadStart;
import org.unifiedvolume.raid.superblock.MetadataPlace;
import org.unifiedvolume.raid.superblock.Superblock;
import org.unifiedvolume.spi.LayoutContext;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.spi.LayoutPlan;
import org.unifiedvolume.spi.VolumeOptions;

/// Whether an array that needs all of its members carries superblocks, and what follows from that.
///
/// `metadata`: `none` unless something else is written, as configurations of the time before there
/// were superblocks name members that hold nothing but data. With `start` or `end` there are also
/// `force`, and for RAID 0 `size` and `max-rate`.
final class SpreadOptions {
    private static final String METADATA = "metadata";
    private static final String NONE = "none";

    private SpreadOptions() {}

    static boolean hasSuperblocks(VolumeOptions options) throws ConfigFault {
        return !RedundancyOptions.word(options, METADATA, NONE, "start", "end").equals(NONE);
    }

    /// The plan of an array with superblocks.
    static LayoutPlan plan(VolumeOptions options, SpreadPlan plan) throws ConfigFault {
        boolean isStripe = plan.chunkBytes() > 0;
        boolean atEnd =
                RedundancyOptions.word(options, METADATA, NONE, "start", "end").equals("end");
        ArrayOptions array =
                new ArrayOptions(
                        isStripe ? options.size("size", 0) : 0,
                        atEnd ? MetadataPlace.END : MetadataPlace.START,
                        false,
                        false,
                        false,
                        null,
                        RedundancyOptions.flag(options, "force"),
                        "",
                        null,
                        0,
                        new JobOptions(isStripe ? options.size("max-rate", 0) : 0));
        return new WithSuperblocks(plan, array);
    }

    /// An array whose members carry superblocks. It names those that are missing itself, by what
    /// the others know of them.
    private record WithSuperblocks(SpreadPlan plan, ArrayOptions options) implements LayoutPlan {
        @Override
        public int leastMembers() {
            return 1;
        }

        @Override
        public BlockDevice assemble(List<LayoutMember> members, LayoutContext context)
                throws IOException {
            return Owned.assemble(members, () -> start(members, context).open());
        }

        @Override
        public void checkNew(
                List<LayoutMember> members, List<LayoutMember> spares, LayoutContext context)
                throws IOException {
            start(members, context).checkNew();
        }

        private SpreadStart start(List<LayoutMember> members, LayoutContext context) {
            return new SpreadStart(
                    members, plan, options, context, Surroundings.of(WitnessStore.NONE));
        }
    }

    /// Refuses to take members for bare data that carry the superblocks of just such an array,
    /// unless the user has written that there are none. What is at the start of a single member may
    /// be those of an array that is made of this volume.
    static void checkBare(VolumeOptions options, List<LayoutMember> members, LayoutContext context)
            throws IOException {
        if (options.value(METADATA) != null) {
            return;
        }
        BlockingLegs blocking = new BlockingLegs(context.io(), new VirtualThreads());
        List<LookedAt> carriers = new ArrayList<>();
        for (LayoutMember member : members) {
            LookedAt looked = LookedAt.at(member, null, blocking);
            Superblock found = looked.superblock();
            boolean isSuch = found != null && found.array().levelName().equals(options.level());
            if (isSuch && (members.size() > 1 || found.array().roles() == 1)) {
                carriers.add(looked);
            }
        }
        int least = Math.min(2, members.size());
        for (LookedAt carrier : carriers) {
            Superblock found = carrier.superblock();
            long alike =
                    carriers.stream()
                            .map(one -> one.superblock().array().uuid())
                            .filter(found.array().uuid()::equals)
                            .count();
            if (alike >= least) {
                throw new IOException(
                        ("volume %s: %s is a member of array %s (%s), which is not to be used as"
                                        + " bare data: write metadata: %s to serve that array, or"
                                        + " metadata: none if its superblocks are to count as data")
                                .formatted(
                                        context.volume(),
                                        carrier.member().name(),
                                        found.array().name(),
                                        found.array().uuid(),
                                        found.areas().place().name().toLowerCase(Locale.ROOT)));
            }
        }
    }
}

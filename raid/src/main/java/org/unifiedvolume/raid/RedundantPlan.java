package org.unifiedvolume.raid;

import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.raid.redundant.ArrayOptions;
import org.unifiedvolume.raid.redundant.ArrayStart;
import org.unifiedvolume.raid.redundant.LevelPlan;
import org.unifiedvolume.raid.redundant.Surroundings;
import org.unifiedvolume.raid.redundant.WitnessFile;
import org.unifiedvolume.spi.LayoutContext;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.spi.LayoutPlan;

/// A level with redundancy as the user described it.
///
/// @param leastMembers how many members have to be there
/// @param level makes the level's part of the plan, given the names of the members
record RedundantPlan(
        int leastMembers, ArrayOptions options, Function<List<String>, LevelPlan> level)
        implements LayoutPlan {

    @Override
    public boolean takesSpares() {
        return true;
    }

    @Override
    public BlockDevice assemble(List<LayoutMember> members, LayoutContext context)
            throws IOException {
        return assemble(members, List.of(), context);
    }

    @Override
    public BlockDevice assemble(
            List<LayoutMember> members, List<LayoutMember> spares, LayoutContext context)
            throws IOException {
        List<LayoutMember> all = Stream.concat(members.stream(), spares.stream()).toList();
        return Owned.assemble(all, () -> start(members, spares, context));
    }

    @Override
    public void checkNew(
            List<LayoutMember> members, List<LayoutMember> spares, LayoutContext context)
            throws IOException {
        starting(members, spares, context).checkNew();
    }

    private BlockDevice start(
            List<LayoutMember> members, List<LayoutMember> spares, LayoutContext context)
            throws IOException {
        return starting(members, spares, context).open();
    }

    private ArrayStart starting(
            List<LayoutMember> members, List<LayoutMember> spares, LayoutContext context)
            throws IOException {
        Set<String> seen = new HashSet<>();
        for (LayoutMember member : Stream.concat(members.stream(), spares.stream()).toList()) {
            if (!seen.add(member.name())) {
                throw new IOException(
                        "volume %s: two members are called %s; name each once"
                                .formatted(context.volume(), member.name()));
            }
        }
        List<String> names = members.stream().map(LayoutMember::name).toList();
        Surroundings surroundings = Surroundings.of(new WitnessFile(context.stateFolder()));
        return new ArrayStart(members, spares, level.apply(names), options, context, surroundings);
    }
}

package org.unifiedvolume.raid;

import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
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
    public BlockDevice assemble(List<LayoutMember> members, LayoutContext context)
            throws IOException {
        return Owned.assemble(members, () -> start(members, context));
    }

    private BlockDevice start(List<LayoutMember> members, LayoutContext context)
            throws IOException {
        List<String> names = members.stream().map(LayoutMember::name).toList();
        Set<String> seen = new HashSet<>();
        for (String name : names) {
            if (!seen.add(name)) {
                throw new IOException(
                        "volume %s: two members are called %s; name each once"
                                .formatted(context.volume(), name));
            }
        }
        Surroundings surroundings = Surroundings.of(new WitnessFile(context.stateFolder()));
        return new ArrayStart(members, level.apply(names), options, context, surroundings).open();
    }
}

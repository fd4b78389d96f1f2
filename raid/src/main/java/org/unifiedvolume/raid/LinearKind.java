package org.unifiedvolume.raid;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.raid.array.LinearArray;
import org.unifiedvolume.raid.spread.SpreadPlan;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.spi.LayoutContext;
import org.unifiedvolume.spi.LayoutKind;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.spi.LayoutPlan;
import org.unifiedvolume.spi.VolumeOptions;

/// Level `linear`: members one after another.
///
/// Options: `metadata`, `force`; see [SpreadOptions].
public final class LinearKind implements LayoutKind {
    @Override
    public Set<String> levels() {
        return Set.of("linear");
    }

    @Override
    public Map<String, String> createDefaults() {
        return Map.of("metadata", "start");
    }

    @Override
    public LayoutPlan plan(VolumeOptions options, int memberCount) throws ConfigFault {
        return SpreadOptions.hasSuperblocks(options)
                ? SpreadOptions.plan(
                        options,
                        new SpreadPlan(options.volume(), ArrayDescription.LINEAR, 0, false))
                : new Plan(options, memberCount);
    }

    private record Plan(VolumeOptions options, int leastMembers) implements LayoutPlan {
        @Override
        public BlockDevice assemble(List<LayoutMember> members, LayoutContext context)
                throws IOException {
            return Owned.assemble(
                    members,
                    () -> {
                        SpreadOptions.checkBare(options, members, context);
                        return LinearArray.of(members, context);
                    });
        }
    }
}

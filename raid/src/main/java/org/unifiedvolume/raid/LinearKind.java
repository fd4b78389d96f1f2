package org.unifiedvolume.raid;

import java.io.IOException;
import java.util.List;
import java.util.Set;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.raid.array.LinearArray;
import org.unifiedvolume.spi.LayoutContext;
import org.unifiedvolume.spi.LayoutKind;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.spi.LayoutPlan;
import org.unifiedvolume.spi.VolumeOptions;

/// Level `linear`: members one after another. No options.
public final class LinearKind implements LayoutKind {
    @Override
    public Set<String> levels() {
        return Set.of("linear");
    }

    @Override
    public LayoutPlan plan(VolumeOptions options, int memberCount) {
        return new Plan(memberCount);
    }

    private record Plan(int leastMembers) implements LayoutPlan {
        @Override
        public BlockDevice assemble(List<LayoutMember> members, LayoutContext context)
                throws IOException {
            return Owned.assemble(members, () -> LinearArray.of(members, context));
        }
    }
}

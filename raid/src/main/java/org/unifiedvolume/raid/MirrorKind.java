package org.unifiedvolume.raid;

import java.io.IOException;
import java.util.List;
import java.util.Set;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.raid.mirror.MirrorArray;
import org.unifiedvolume.raid.mirror.MirrorOptions;
import org.unifiedvolume.raid.mirror.RecordFile;
import org.unifiedvolume.raid.mirror.VirtualThreads;
import org.unifiedvolume.spi.LayoutContext;
import org.unifiedvolume.spi.LayoutKind;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.spi.LayoutPlan;
import org.unifiedvolume.spi.VolumeOptions;

/// Level `raid1`: every member holds the same bytes.
///
/// Options: `size` (how much of each member is used, for members of unlike size); for a new mirror
/// `primary` (the member whose content counts) or `assume-clean` (all hold the same).
public final class MirrorKind implements LayoutKind {
    private static final int MOST_LEGS = 32;

    @Override
    public Set<String> levels() {
        return Set.of("raid1");
    }

    @Override
    public LayoutPlan plan(VolumeOptions options, int memberCount) throws ConfigFault {
        if (memberCount < 2 || memberCount > MOST_LEGS) {
            throw options.fault(
                    "has %d members; a mirror has 2 to %d".formatted(memberCount, MOST_LEGS),
                    "write level: linear for a single one");
        }
        long size = options.size("size", 0);
        boolean assumeClean = flag(options, "assume-clean");
        VolumeOptions.Value primary = options.value("primary");
        if (assumeClean && primary != null) {
            throw options.fault(
                    "primary",
                    "names one leg as right while assume-clean says that all are",
                    "leave out one of the two");
        }
        return new Plan(
                new MirrorOptions(size, assumeClean, primary == null ? null : primary.text()));
    }

    private static boolean flag(VolumeOptions options, String key) throws ConfigFault {
        VolumeOptions.Value value = options.value(key);
        if (value == null || value.text().equals("false")) {
            return false;
        }
        if (!value.text().equals("true")) {
            throw options.fault(
                    key,
                    "\"%s\" is neither yes nor no".formatted(value.text()),
                    "write true or false");
        }
        return true;
    }

    private record Plan(MirrorOptions options) implements LayoutPlan {
        @Override
        public int leastMembers() {
            return 1;
        }

        @Override
        public BlockDevice assemble(List<LayoutMember> members, LayoutContext context)
                throws IOException {
            return Owned.assemble(
                    members,
                    () ->
                            MirrorArray.open(
                                    members,
                                    options,
                                    context,
                                    new RecordFile(context.stateFolder()),
                                    new VirtualThreads()));
        }
    }
}

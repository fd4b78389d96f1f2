package org.unifiedvolume.raid;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.raid.array.StripeArray;
import org.unifiedvolume.raid.spread.SpreadPlan;
import org.unifiedvolume.spi.LayoutContext;
import org.unifiedvolume.spi.LayoutKind;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.spi.LayoutPlan;
import org.unifiedvolume.spi.VolumeOptions;

/// Level `raid0`: chunks dealt out to the members in turn.
///
/// Options: `chunk`, a power of two from 4KiB on, 64KiB unless said otherwise; `metadata`, and with
/// superblocks `size`, `force` and `max-rate`; see [SpreadOptions].
public final class StripeKind implements LayoutKind {
    private static final long DEFAULT_CHUNK_BYTES = 64 << 10;
    private static final long LEAST_CHUNK_BYTES = 4 << 10;
    private static final long MOST_CHUNK_BYTES = 1L << 30;

    @Override
    public Set<String> levels() {
        return Set.of("raid0");
    }

    @Override
    public Map<String, String> createDefaults() {
        return Map.of("metadata", "start");
    }

    @Override
    public LayoutPlan plan(VolumeOptions options, int memberCount) throws ConfigFault {
        if (SpreadOptions.hasSuperblocks(options)) {
            long chunk = RedundancyOptions.chunk(options);
            boolean isWritten = options.value("chunk") != null;
            return SpreadOptions.plan(
                    options, new SpreadPlan(options.volume(), 0, chunk, isWritten));
        }
        long chunk = options.size("chunk", DEFAULT_CHUNK_BYTES);
        if (Long.bitCount(chunk) != 1 || chunk < LEAST_CHUNK_BYTES || chunk > MOST_CHUNK_BYTES) {
            throw options.fault(
                    "chunk",
                    "%d bytes is not a power of two from 4KiB to 1GiB".formatted(chunk),
                    "write one such as 64KiB");
        }
        return new Plan(options, chunk, memberCount);
    }

    private record Plan(VolumeOptions options, long chunkBytes, int leastMembers)
            implements LayoutPlan {
        @Override
        public BlockDevice assemble(List<LayoutMember> members, LayoutContext context)
                throws IOException {
            return Owned.assemble(
                    members,
                    () -> {
                        SpreadOptions.checkBare(options, members, context);
                        return StripeArray.of(members, chunkBytes, context);
                    });
        }
    }
}

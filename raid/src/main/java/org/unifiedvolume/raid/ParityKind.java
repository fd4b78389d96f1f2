package org.unifiedvolume.raid;

import java.util.Set;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.raid.redundant.ArrayOptions;
import org.unifiedvolume.raid.redundant.Level;
import org.unifiedvolume.raid.stripe.ParityPlan;
import org.unifiedvolume.spi.LayoutKind;
import org.unifiedvolume.spi.LayoutPlan;
import org.unifiedvolume.spi.VolumeOptions;

/// Levels `raid5` and `raid6`: chunks with one or two chunks of parity in every stripe.
///
/// Options beside those of all levels with redundancy: `chunk`, and `journal`: `auto`, or `none`
/// for a new array that shall rather be faster than safe from a power cut together with a lost
/// member.
public final class ParityKind implements LayoutKind {
    private static final int MOST_LEGS = Level.MOST_LEGS;

    @Override
    public Set<String> levels() {
        return Set.of("raid5", "raid6");
    }

    @Override
    public LayoutPlan plan(VolumeOptions options, int memberCount) throws ConfigFault {
        int parities = options.level().equals("raid5") ? 1 : 2;
        int least = parities + 2;
        if (memberCount < least || memberCount > MOST_LEGS) {
            throw options.fault(
                    "has %d members; %s has %d to %d"
                            .formatted(memberCount, options.level(), least, MOST_LEGS),
                    "add members, or write level: raid1 for two copies");
        }
        ArrayOptions array = RedundancyOptions.read(options);
        long chunk = RedundancyOptions.chunk(options);
        boolean hasJournal =
                RedundancyOptions.word(options, "journal", "auto", "none").equals("auto");
        return new RedundantPlan(
                memberCount - parities,
                array,
                names -> new ParityPlan(options.volume(), parities + 4, chunk, hasJournal, names));
    }
}

package org.unifiedvolume.raid;

import java.util.List;
import java.util.Set;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.raid.mirror.ReadPolicy;
import org.unifiedvolume.raid.mirror.ReplicationPlan;
import org.unifiedvolume.raid.redundant.ArrayOptions;
import org.unifiedvolume.raid.redundant.Level;
import org.unifiedvolume.spi.LayoutKind;
import org.unifiedvolume.spi.LayoutPlan;
import org.unifiedvolume.spi.VolumeOptions;

/// Levels `raid1`, every member holds the same bytes, and `raid10`, chunks with copies beside each
/// other.
///
/// Options beside those of all levels with redundancy: `read` (`local-first`, `fastest`,
/// `round-robin`), `write-mostly` (members that are read only when nothing else is left); for
/// `raid10` also `chunk` and `copies`.
public final class MirrorKind implements LayoutKind {
    private static final int MOST_LEGS = Level.MOST_LEGS;
    private static final int DEFAULT_COPIES = 2;

    @Override
    public Set<String> levels() {
        return Set.of("raid1", "raid10");
    }

    @Override
    public LayoutPlan plan(VolumeOptions options, int memberCount) throws ConfigFault {
        if (memberCount < 2 || memberCount > MOST_LEGS) {
            throw options.fault(
                    "has %d members; %s has 2 to %d"
                            .formatted(memberCount, options.level(), MOST_LEGS),
                    "write level: linear for a single one");
        }
        ArrayOptions array = RedundancyOptions.read(options);
        ReadPolicy policy =
                policy(
                        RedundancyOptions.word(
                                options,
                                "read",
                                ReadPolicy.LOCAL_FIRST.word(),
                                ReadPolicy.FASTEST.word(),
                                ReadPolicy.ROUND_ROBIN.word()));
        List<String> writeMostly = RedundancyOptions.list(options, "write-mostly");
        if (options.level().equals("raid1")) {
            return new RedundantPlan(
                    1,
                    array,
                    names ->
                            new ReplicationPlan(
                                    options.volume(), 1, 0, 0, policy, writeMostly, names));
        }
        long chunk = RedundancyOptions.chunk(options);
        int copies = copies(options, memberCount);
        return new RedundantPlan(
                (memberCount + copies - 1) / copies,
                array,
                names ->
                        new ReplicationPlan(
                                options.volume(), 10, chunk, copies, policy, writeMostly, names));
    }

    private static ReadPolicy policy(String word) {
        for (ReadPolicy policy : ReadPolicy.values()) {
            if (policy.word().equals(word)) {
                return policy;
            }
        }
        throw new AssertionError(word);
    }

    private static int copies(VolumeOptions options, int memberCount) throws ConfigFault {
        VolumeOptions.Value value = options.value("copies");
        if (value == null) {
            return DEFAULT_COPIES;
        }
        try {
            int copies = Integer.parseInt(value.text());
            if (copies >= 2 && copies <= memberCount) {
                return copies;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw options.fault(
                "copies",
                "\"%s\" is not a number from 2 to %d, the number of members"
                        .formatted(value.text(), memberCount),
                "write copies: 2");
    }
}

package org.unifiedvolume.raid;

import java.util.List;
import java.util.Set;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.raid.mirror.ReadPolicy;
import org.unifiedvolume.raid.mirror.ReplicationPlan;
import org.unifiedvolume.raid.redundant.ArrayOptions;
import org.unifiedvolume.raid.redundant.BehindOptions;
import org.unifiedvolume.raid.redundant.Level;
import org.unifiedvolume.spi.LayoutKind;
import org.unifiedvolume.spi.LayoutPlan;
import org.unifiedvolume.spi.VolumeOptions;

/// Levels `raid1`, every member holds the same bytes, and `raid10`, chunks with copies beside each
/// other.
///
/// Options beside those of all levels with redundancy: `read` (`local-first`, `fastest`,
/// `round-robin`), `write-mostly` (members that are read only when nothing else is left); for
/// `raid1` also `write-behind` (members that get changes later than these are acknowledged),
/// `write-behind-bytes` and `write-behind-seconds` (how much later); for `raid10` also `chunk` and
/// `copies`.
public final class MirrorKind implements LayoutKind {
    private static final int MOST_LEGS = Level.MOST_LEGS;
    private static final int DEFAULT_COPIES = 2;
    private static final String BEHIND = "write-behind";
    private static final long LEAST_BEHIND_BYTES = 64 << 10;
    private static final double LEAST_BEHIND_SECONDS = 0.1;
    private static final double MOST_BEHIND_SECONDS = 3600;
    private static final double NANOS_PER_SECOND = 1e9;

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
        BehindOptions behind = behind(options, memberCount, array);
        if (options.level().equals("raid1")) {
            return new RedundantPlan(
                    1,
                    array,
                    names ->
                            new ReplicationPlan(
                                    options.volume(), 1, 0, 0, policy, writeMostly, behind, names));
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

    private static BehindOptions behind(VolumeOptions options, int memberCount, ArrayOptions array)
            throws ConfigFault {
        List<String> names = RedundancyOptions.list(options, BEHIND).stream().distinct().toList();
        long bytes = options.size(BEHIND + "-bytes", BehindOptions.DEFAULT_BYTES);
        long nanos = seconds(options);
        if (names.isEmpty()) {
            for (String bound : List.of(BEHIND + "-bytes", BEHIND + "-seconds")) {
                if (options.value(bound) != null) {
                    throw options.fault(
                            bound,
                            "is a bound of write-behind members, and none is written",
                            "write write-behind: with one of the members, or take it out");
                }
            }
            return BehindOptions.NONE;
        }
        if (!options.level().equals("raid1")) {
            throw options.fault(
                    BEHIND,
                    "%s has no write-behind members".formatted(options.level()),
                    "write level: raid1, or write-mostly: in its place");
        }
        if (names.size() >= memberCount) {
            throw options.fault(
                    BEHIND,
                    "names all %d members, and somebody must have what was acknowledged"
                            .formatted(memberCount),
                    "leave at least one out");
        }
        if (array.integrity()) {
            // The simulation has not shown yet that both together keep their promises.
            throw options.fault(
                    BEHIND,
                    "is not for arrays with checksums",
                    "take integrity: crc32c out, or write write-mostly: in its place");
        }
        if (!array.bitmap()) {
            throw options.fault(
                    BEHIND,
                    "needs the write-intent bitmap, which says what such a member lacks after a crash",
                    "take bitmap: none out");
        }
        if (bytes < LEAST_BEHIND_BYTES) {
            throw options.fault(
                    BEHIND + "-bytes",
                    "%d bytes is less than 64KiB".formatted(bytes),
                    "write one such as 16MiB");
        }
        return new BehindOptions(names, bytes, nanos);
    }

    private static long seconds(VolumeOptions options) throws ConfigFault {
        String key = BEHIND + "-seconds";
        VolumeOptions.Value value = options.value(key);
        if (value == null) {
            return BehindOptions.DEFAULT_NANOS;
        }
        try {
            double seconds = Double.parseDouble(value.text());
            if (seconds >= LEAST_BEHIND_SECONDS && seconds <= MOST_BEHIND_SECONDS) {
                return (long) (seconds * NANOS_PER_SECOND);
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw options.fault(
                key,
                "\"%s\" is not a number from 0.1 to 3600".formatted(value.text()),
                "write one such as 5");
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

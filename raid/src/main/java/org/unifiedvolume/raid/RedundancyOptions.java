package org.unifiedvolume.raid;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.raid.redundant.ArrayOptions;
import org.unifiedvolume.raid.redundant.JobOptions;
import org.unifiedvolume.raid.superblock.MetadataPlace;
import org.unifiedvolume.spi.VolumeOptions;

/// Reads the options that all levels with redundancy have.
///
/// `size` (how much of each member is used), `metadata` (`start` or `end`), `bitmap` (`internal` or
/// `none`), `assume-clean`, `primary`, `force`: about a new array. `degraded`, `prefer`: about one
/// that exists. `max-rate`: about jobs. `spare-delay`: how long a leg is lost before a spare takes
/// its role.
final class RedundancyOptions {
    static final long DEFAULT_CHUNK_BYTES = 64 << 10;
    static final long LEAST_CHUNK_BYTES = 4 << 10;
    static final long MOST_CHUNK_BYTES = 16 << 20;

    /// The state of an array as a refused start names it: an epoch's id and a count of events.
    private static final Pattern STATE = Pattern.compile("[0-9a-f]{16}-[0-9]{1,19}");

    private RedundancyOptions() {}

    static ArrayOptions read(VolumeOptions options) throws ConfigFault {
        boolean assumeClean = flag(options, "assume-clean");
        VolumeOptions.Value primary = options.value("primary");
        VolumeOptions.Value prefer = options.value("prefer");
        if (assumeClean && primary != null) {
            throw options.fault(
                    "primary",
                    "names one leg as right while assume-clean says that all are",
                    "leave out one of the two");
        }
        MetadataPlace metadata =
                word(options, "metadata", "start", "end").equals("end")
                        ? MetadataPlace.END
                        : MetadataPlace.START;
        return new ArrayOptions(
                options.size("size", 0),
                metadata,
                word(options, "bitmap", "internal", "none").equals("internal"),
                word(options, "integrity", "none", "crc32c").equals("crc32c"),
                assumeClean,
                primary == null ? null : primary.text(),
                flag(options, "force"),
                vouched(options),
                prefer == null ? null : prefer.text(),
                options.duration("spare-delay", ArrayOptions.DEFAULT.spareDelayNanos()),
                new JobOptions(options.size("max-rate", 0)));
    }

    /// The word that nobody wrote missing members alone: `true`, or the state it is given for.
    private static String vouched(VolumeOptions options) throws ConfigFault {
        VolumeOptions.Value value = options.value("degraded");
        if (value == null || value.text().equals("false")) {
            return "";
        }
        if (!value.text().equals("true") && !STATE.matcher(value.text()).matches()) {
            throw options.fault(
                    "degraded",
                    "\"%s\" is neither yes nor no, nor the name of a state".formatted(value.text()),
                    "write true, false, or what the refused start asked for");
        }
        return value.text();
    }

    static boolean flag(VolumeOptions options, String key) throws ConfigFault {
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

    /// One of some words; the first one if nothing is written.
    static String word(VolumeOptions options, String key, String... words) throws ConfigFault {
        VolumeOptions.Value value = options.value(key);
        if (value == null) {
            return words[0];
        }
        String text = value.text().toLowerCase(Locale.ROOT);
        if (!List.of(words).contains(text)) {
            throw options.fault(
                    key,
                    "\"%s\" is none of its words".formatted(value.text()),
                    "write one of " + String.join(", ", words));
        }
        return text;
    }

    /// Several words between commas; none if nothing is written.
    static List<String> list(VolumeOptions options, String key) {
        VolumeOptions.Value value = options.value(key);
        return value == null
                ? List.of()
                : Arrays.stream(value.text().split(",")).map(String::strip).toList();
    }

    static long chunk(VolumeOptions options) throws ConfigFault {
        long chunk = options.size("chunk", DEFAULT_CHUNK_BYTES);
        if (Long.bitCount(chunk) != 1 || chunk < LEAST_CHUNK_BYTES || chunk > MOST_CHUNK_BYTES) {
            throw options.fault(
                    "chunk",
                    "%d bytes is not a power of two from 4KiB to 16MiB".formatted(chunk),
                    "write one such as 64KiB");
        }
        return chunk;
    }
}

package org.unifiedvolume.config;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Sizes (`64KiB`, `10GiB`, `512`) and durations (`500ms`, `30s`, `5m`) as users write and read
/// them.
public final class Units {
    private static final Pattern SIZE = Pattern.compile("([0-9]{1,18})\\s*(B|[KMGTP]iB)?");
    private static final Pattern DURATION = Pattern.compile("([0-9]{1,12})\\s*(us|ms|s|m|h)");
    private static final String PREFIXES = "BKMGTP";

    private Units() {}

    /// Reads a size in bytes.
    ///
    /// @throws ConfigFault if it is not a number with a binary unit, or beyond 2^63
    public static long parseSize(Place place, String text) throws ConfigFault {
        Matcher matcher = SIZE.matcher(text.strip());
        if (!matcher.matches()) {
            throw new ConfigFault(
                    place,
                    "\"%s\" is not a size".formatted(text),
                    "write a number with KiB, MiB, GiB or TiB, such as 64KiB");
        }
        long number = Long.parseLong(matcher.group(1));
        String unit = matcher.group(2) == null ? "B" : matcher.group(2);
        int shift = 10 * PREFIXES.indexOf(unit.charAt(0));
        if (number > Long.MAX_VALUE >> shift) {
            throw new ConfigFault(
                    place, "\"%s\" is too large".formatted(text), "sizes end below 8 EiB");
        }
        return number << shift;
    }

    /// Reads a duration in nanoseconds.
    ///
    /// @throws ConfigFault if it is not a number with a unit, or longer than 30 days
    public static long parseDuration(Place place, String text) throws ConfigFault {
        Matcher matcher = DURATION.matcher(text.strip());
        if (!matcher.matches()) {
            throw new ConfigFault(
                    place,
                    "\"%s\" is not a duration".formatted(text),
                    "write a number with ms, s, m or h, such as 30s");
        }
        long unit =
                switch (matcher.group(2)) {
                    case "us" -> 1_000L;
                    case "ms" -> 1_000_000L;
                    case "s" -> 1_000_000_000L;
                    case "m" -> 60_000_000_000L;
                    default -> 3_600_000_000_000L;
                };
        long number = Long.parseLong(matcher.group(1));
        if (number > 30L * 24 * 3_600_000_000_000L / unit) {
            throw new ConfigFault(
                    place, "\"%s\" is too long".formatted(text), "durations end at 30 days");
        }
        return number * unit;
    }

    /// A size for people: `1.5 GiB`, `64 KiB`, `512 B`.
    public static String size(long bytes) {
        double value = bytes;
        int prefix = 0;
        while (Math.abs(value) >= 1024 && prefix < PREFIXES.length() - 1) {
            value /= 1024;
            prefix++;
        }
        String unit = prefix == 0 ? "B" : PREFIXES.charAt(prefix) + "iB";
        return value == Math.rint(value)
                ? "%.0f %s".formatted(value, unit)
                : String.format(Locale.ROOT, "%.1f %s", value, unit);
    }

    /// A latency for people: `840 ns`, `12.5 µs`, `3.1 ms`, `2.0 s`.
    public static String nanos(long nanos) {
        if (nanos < 1_000) {
            return nanos + " ns";
        }
        if (nanos < 1_000_000) {
            return String.format(Locale.ROOT, "%.1f µs", nanos / 1e3);
        }
        if (nanos < 1_000_000_000) {
            return String.format(Locale.ROOT, "%.1f ms", nanos / 1e6);
        }
        return String.format(Locale.ROOT, "%.1f s", nanos / 1e9);
    }
}

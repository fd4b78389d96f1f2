package org.unifiedvolume.raid.redundant;

import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import org.unifiedvolume.config.Units;

/// How far a job is.
///
/// @param totalBytes how many bytes of rows it had to do when it began
/// @param doneBytes how many it has done
/// @param wrongBytes how many of those were found wrong
/// @param nanos how long it has worked
public record JobProgress(
        String name,
        Instant started,
        long totalBytes,
        long doneBytes,
        long wrongBytes,
        long nanos) {
    private static final double SECOND_NANOS = 1e9;

    public double percent() {
        return totalBytes == 0 ? 100 : Math.min(100, 100.0 * doneBytes / totalBytes);
    }

    /// Bytes a second so far.
    public long rateBytes() {
        return (long) (doneBytes * SECOND_NANOS / nanos);
    }

    /// How long the rest will take at this rate; null while nothing is known.
    public Duration remaining() {
        long rate = rateBytes();
        return rate == 0 ? null : Duration.ofSeconds(Math.max(0, totalBytes - doneBytes) / rate);
    }

    /// In words: `12.5 % of 10 GiB, 120 MiB/s, 1 min left`.
    public String words() {
        return words(rateBytes(), remaining());
    }

    /// The same with another rate, and another time that is left; null if that is not known.
    String words(long rate, Duration left) {
        String ending = left == null ? "" : ", %s left".formatted(words(left));
        return "%.1f %% of %s, %s/s%s"
                .formatted(percent(), Units.size(totalBytes), Units.size(rate), ending);
    }

    /// As plain values that can be written as JSON.
    ///
    /// @param problem why it stopped before its end; empty if it did not
    public Map<String, Object> view(boolean hasEnded, String problem) {
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("name", name);
        view.put("started", started.toString());
        view.put("ended", hasEnded);
        view.put("problem", problem);
        view.put("total", totalBytes);
        view.put("done", doneBytes);
        view.put("wrong", wrongBytes);
        view.put("rate", rateBytes());
        Duration left = remaining();
        if (left != null && !hasEnded) {
            view.put("seconds-left", left.toSeconds());
        }
        view.put("words", words());
        return view;
    }

    private static String words(Duration time) {
        long seconds = time.toSeconds();
        if (seconds < 60) {
            return seconds + " s";
        }
        return seconds < 3600
                ? "%d min".formatted((seconds + 30) / 60)
                : "%d h %d min".formatted(seconds / 3600, seconds % 3600 / 60);
    }
}

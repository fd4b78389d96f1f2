package org.unifiedvolume.raid.redundant;

import java.util.LinkedHashMap;
import java.util.Map;
import org.unifiedvolume.config.Units;

/// How far behind the acknowledged changes a leg is.
///
/// @param isInStep whether it counts as complete
/// @param bytes how many bytes of changes it has not got
/// @param changes how many changes these are
/// @param oldestMillis how long ago the oldest of them was acknowledged; 0 if there is none
record Lag(boolean isInStep, long bytes, int changes, long oldestMillis) {
    /// For people.
    String words() {
        if (isInStep) {
            return "in step";
        }
        return changes == 0
                ? "behind by 0 bytes, and in step after a moment without changes"
                : "behind by %s, oldest %d ms".formatted(Units.size(bytes), oldestMillis);
    }

    /// For programs.
    Map<String, Object> view() {
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("in-step", isInStep);
        view.put("bytes", bytes);
        view.put("changes", changes);
        view.put("oldest-millis", oldestMillis);
        view.put("words", words());
        return view;
    }
}

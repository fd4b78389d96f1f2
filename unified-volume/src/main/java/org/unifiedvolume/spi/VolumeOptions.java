package org.unifiedvolume.spi;

import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.Place;
import org.unifiedvolume.config.Suggestion;
import org.unifiedvolume.config.Units;

/// What a user wrote about a volume beyond the keys that all volumes have.
///
/// A layout asks for the keys it knows; [#rejectUnknownKeys] then refuses the others by name.
public final class VolumeOptions {
    /// One value and where it was written.
    public record Value(Place place, String text) {}

    private final Place place;
    private final String volume;
    private final String level;
    private final Map<String, Value> values;
    private final Set<String> asked = new TreeSet<>();

    /// @param place where the volume is described
    public VolumeOptions(Place place, String volume, String level, Map<String, Value> values) {
        this.place = place;
        this.volume = volume;
        this.level = level;
        this.values = Map.copyOf(values);
    }

    public Place place() {
        return place;
    }

    public String volume() {
        return volume;
    }

    public String level() {
        return level;
    }

    /// A value as it was written; null if it was not.
    public Value value(String key) {
        asked.add(key);
        return values.get(key);
    }

    /// A size in bytes.
    public long size(String key, long otherwise) throws ConfigFault {
        Value value = value(key);
        return value == null ? otherwise : Units.parseSize(value.place(), value.text());
    }

    /// A duration in nanoseconds.
    public long duration(String key, long otherwise) throws ConfigFault {
        Value value = value(key);
        return value == null ? otherwise : Units.parseDuration(value.place(), value.text());
    }

    /// A fault about one of the values: `place: key: problem; remedy`.
    public ConfigFault fault(String key, String problem, String remedy) {
        Value value = values.get(key);
        return new ConfigFault(value == null ? place : value.place(), key + ": " + problem, remedy);
    }

    /// A fault about the volume: `place: volume NAME problem; remedy`.
    public ConfigFault fault(String problem, String remedy) {
        return new ConfigFault(place, "volume %s %s".formatted(volume, problem), remedy);
    }

    /// Refuses keys that nobody has asked for.
    ///
    /// @param common the keys that all volumes have, for the message
    public void rejectUnknownKeys(Set<String> common) throws ConfigFault {
        Set<String> known = new TreeSet<>(common);
        known.addAll(asked);
        for (Map.Entry<String, Value> entry : values.entrySet()) {
            if (!asked.contains(entry.getKey())) {
                throw new ConfigFault(
                        entry.getValue().place(),
                        "unknown key \"%s\" in volume %s of level %s"
                                .formatted(entry.getKey(), volume, level),
                        Suggestion.remedy(entry.getKey(), known));
            }
        }
    }
}

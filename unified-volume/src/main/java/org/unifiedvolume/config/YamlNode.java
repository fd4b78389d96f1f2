package org.unifiedvolume.config;

import java.util.List;

/// One piece of a YAML file and where it stands.
sealed interface YamlNode {
    Place place();

    /// What it is, for messages.
    String noun();

    /// A single value. A plain `~`, `null` or nothing at all is empty text.
    record Scalar(Place place, String text) implements YamlNode {
        @Override
        public String noun() {
            return text.isEmpty() ? "nothing" : "a single value";
        }
    }

    /// A list.
    record Sequence(Place place, List<YamlNode> items) implements YamlNode {
        @Override
        public String noun() {
            return "a list";
        }
    }

    /// Keys with values, in the order in which they were written; no key comes twice.
    record Mapping(Place place, List<Entry> entries) implements YamlNode {
        @Override
        public String noun() {
            return "a group of keys";
        }
    }

    /// One key with its value.
    record Entry(Place place, String key, YamlNode value) {}
}

package org.unifiedvolume.config;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.unifiedvolume.stack.OrderPolicy;

/// Reads the description of one volume.
final class VolumeReader {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");
    private static final int DEFAULT_DEPTH = 256;
    private static final int MAX_DEPTH = 65_536;
    /// The keys of layouts that take a list of members.
    private static final Set<String> LISTS = Set.of("write-behind", "write-mostly");

    private static final int MAX_ITEMS = 256;
    private static final long LEAST_CACHE_BYTES = 1 << 20;
    private static final long MOST_CACHE_BYTES = 1L << 40;
    private static final long DEFAULT_READAHEAD_BYTES = 1 << 20;
    private static final long MOST_READAHEAD_BYTES = 16 << 20;

    private final YamlNode node;
    private final Map<String, YamlNode.Entry> entries = new LinkedHashMap<>();

    VolumeReader(YamlNode node) {
        this.node = node;
    }

    VolumeConfig read() throws ConfigFault {
        if (!(node instanceof YamlNode.Mapping(Place place, List<YamlNode.Entry> written))) {
            throw new ConfigFault(
                    node.place(),
                    "a volume is described by keys, not by " + node.noun(),
                    "write \"- name: media\" and the other keys below");
        }
        written.forEach(entry -> entries.put(entry.key(), entry));
        String name = name(place);
        long cacheBytes = cache();
        return new VolumeConfig(
                place,
                name,
                new Written(
                        required("level", name, place, "raid1").value().place(),
                        ConfigReader.scalar(required("level", name, place, "raid1"))),
                uris(required("members", name, place, "a list of URIs"), "member"),
                entries.containsKey("spares") ? uris(entries.get("spares"), "member") : List.of(),
                entries.containsKey("exports") ? uris(entries.get("exports"), "export") : List.of(),
                order(),
                depth(),
                deadline(),
                cacheBytes,
                readahead(cacheBytes),
                others(name));
    }

    private String name(Place place) throws ConfigFault {
        YamlNode.Entry entry = required("name", "", place, "media");
        String name = ConfigReader.scalar(entry);
        if (!NAME.matcher(name).matches()) {
            throw new ConfigFault(
                    entry.value().place(),
                    "name: \"%s\" is not a volume's name".formatted(name),
                    "use letters, digits, dots, dashes and underscores, at most 64");
        }
        return name;
    }

    private YamlNode.Entry required(String key, String name, Place place, String example)
            throws ConfigFault {
        YamlNode.Entry entry = entries.get(key);
        if (entry == null) {
            // What is missing may be there under a misspelt name.
            for (String other : entries.keySet()) {
                if (!VolumeConfig.KEYS.contains(other) && Suggestion.distance(other, key) <= 2) {
                    throw unknown(entries.get(other), name);
                }
            }
            throw new ConfigFault(
                    place,
                    name.isEmpty()
                            ? "a volume has no name"
                            : "volume %s has no %s".formatted(name, key),
                    "add \"%s: %s\"".formatted(key, example));
        }
        return entry;
    }

    private static ConfigFault unknown(YamlNode.Entry entry, String name) {
        return new ConfigFault(
                entry.place(),
                "unknown key \"%s\" in volume %s".formatted(entry.key(), name).strip(),
                Suggestion.remedy(entry.key(), VolumeConfig.KEYS));
    }

    private static List<Written> uris(YamlNode.Entry entry, String role) throws ConfigFault {
        List<Written> uris = new ArrayList<>();
        for (YamlNode item : ConfigReader.list(entry, role)) {
            if (!(item instanceof YamlNode.Scalar(Place place, String text)) || text.isBlank()) {
                throw new ConfigFault(
                        item.place(),
                        "%s: this is %s instead of a URI".formatted(entry.key(), item.noun()),
                        role.equals("member")
                                ? "write a URI such as file:/srv/a.img or nbd://host/name"
                                : "write a URI such as nbd://127.0.0.1:10809/media");
            }
            if (uris.size() == MAX_ITEMS) {
                throw new ConfigFault(
                        place,
                        "%s: there are more than %d".formatted(entry.key(), MAX_ITEMS),
                        "make several volumes of them");
            }
            uris.add(new Written(place, text.strip()));
        }
        return uris;
    }

    private OrderPolicy.Named order() throws ConfigFault {
        YamlNode.Entry entry = entries.get("order");
        if (entry == null) {
            return OrderPolicy.Named.FIFO;
        }
        String text = ConfigReader.scalar(entry);
        Set<String> known = new TreeSet<>();
        for (OrderPolicy.Named order : OrderPolicy.Named.values()) {
            String word = order.name().toLowerCase(Locale.ROOT);
            if (word.equals(text)) {
                return order;
            }
            known.add(word);
        }
        throw new ConfigFault(
                entry.value().place(),
                "order: \"%s\" is not an order".formatted(text),
                Suggestion.remedy(text, known));
    }

    private int depth() throws ConfigFault {
        YamlNode.Entry entry = entries.get("depth");
        if (entry == null) {
            return DEFAULT_DEPTH;
        }
        String text = ConfigReader.scalar(entry);
        if (text.matches("[0-9]{1,9}")) {
            int depth = Integer.parseInt(text);
            if (depth >= 1 && depth <= MAX_DEPTH) {
                return depth;
            }
        }
        throw new ConfigFault(
                entry.value().place(),
                "depth: \"%s\" is not a depth".formatted(text),
                "write a number from 1 to %d".formatted(MAX_DEPTH));
    }

    private Written deadline() throws ConfigFault {
        YamlNode.Entry entry = entries.get("deadline");
        if (entry == null) {
            return null;
        }
        Written written = new Written(entry.value().place(), ConfigReader.scalar(entry));
        if (Units.parseDuration(written.place(), written.text()) == 0) {
            throw new ConfigFault(
                    written.place(),
                    "deadline: no request is answered in no time",
                    "write a duration such as 5s");
        }
        return written;
    }

    private long cache() throws ConfigFault {
        YamlNode.Entry entry = entries.get("cache");
        return entry == null ? 0 : size(entry, LEAST_CACHE_BYTES, MOST_CACHE_BYTES);
    }

    private long readahead(long cacheBytes) throws ConfigFault {
        YamlNode.Entry entry = entries.get("readahead");
        if (entry == null) {
            return DEFAULT_READAHEAD_BYTES;
        }
        if (cacheBytes == 0) {
            throw new ConfigFault(
                    entry.place(),
                    "readahead: there is no cache to read ahead into",
                    "add \"cache: 64MiB\", or leave out readahead");
        }
        return size(entry, 0, MOST_READAHEAD_BYTES);
    }

    private static long size(YamlNode.Entry entry, long least, long most) throws ConfigFault {
        Place place = entry.value().place();
        long bytes = Units.parseSize(place, ConfigReader.scalar(entry));
        if (bytes < least || bytes > most) {
            throw new ConfigFault(
                    place,
                    "%s: %s is out of bounds".formatted(entry.key(), Units.size(bytes)),
                    "write a size from %s to %s".formatted(Units.size(least), Units.size(most)));
        }
        return bytes;
    }

    /// What is left is for the layout, which knows single values only.
    private Map<String, Written> others(String name) throws ConfigFault {
        Map<String, Written> others = new LinkedHashMap<>();
        for (YamlNode.Entry entry : entries.values()) {
            if (VolumeConfig.KEYS.contains(entry.key())) {
                continue;
            }
            Place where = entry.value().place();
            if (LISTS.contains(entry.key()) && entry.value() instanceof YamlNode.Sequence) {
                others.put(entry.key(), new Written(where, listed(entry)));
                continue;
            }
            if (!(entry.value() instanceof YamlNode.Scalar)) {
                throw unknown(entry, name);
            }
            others.put(entry.key(), new Written(where, ConfigReader.scalar(entry)));
        }
        return others;
    }

    /// A list of members as one value, with commas between them.
    private static String listed(YamlNode.Entry entry) throws ConfigFault {
        List<String> texts = new ArrayList<>();
        for (Written item : uris(entry, "member")) {
            texts.add(item.text());
        }
        return String.join(",", texts);
    }
}

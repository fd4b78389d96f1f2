package org.unifiedvolume.config;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.unifiedvolume.stack.OrderPolicy;

/// What a configuration file says about one volume.
///
/// @param place where it is described
/// @param name unique within the file
/// @param level the name of its layout
/// @param members the URIs of its members, at least one
/// @param spares the URIs of members that wait for a role; may be none
/// @param exports the URIs of its exports; may be none
/// @param order which of the waiting requests goes next
/// @param depth how many requests are under way in the volume at once
/// @param deadline the deadline of members that give none of their own; null if none is written
/// @param cacheBytes the size of the read cache; 0 for none
/// @param readaheadBytes how far the cache reads ahead of a sequential stream
/// @param others the keys that are the layout's business
public record VolumeConfig(
        Place place,
        String name,
        Written level,
        List<Written> members,
        List<Written> spares,
        List<Written> exports,
        OrderPolicy.Named order,
        int depth,
        Written deadline,
        long cacheBytes,
        long readaheadBytes,
        Map<String, Written> others) {
    /// The keys that volumes of every level have.
    public static final Set<String> KEYS =
            Collections.unmodifiableSet(
                    new TreeSet<>(
                            List.of(
                                    "cache",
                                    "deadline",
                                    "depth",
                                    "exports",
                                    "level",
                                    "members",
                                    "name",
                                    "order",
                                    "readahead",
                                    "spares")));

    public VolumeConfig {
        members = List.copyOf(members);
        spares = List.copyOf(spares);
        exports = List.copyOf(exports);
        others = Map.copyOf(others);
    }

    /// The members and the spares.
    public List<Written> all() {
        return Stream.concat(members.stream(), spares.stream()).toList();
    }
}

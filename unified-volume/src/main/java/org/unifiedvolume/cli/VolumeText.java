package org.unifiedvolume.cli;

import java.util.List;
import java.util.Map;

/// The lines that describe a volume in a configuration file.
final class VolumeText {
    private VolumeText() {}

    /// The first line of a file, before its volumes.
    static final String HEAD = "volumes:\n";

    /// One volume.
    ///
    /// @param options keys and values beside level and members, in this order
    /// @param spares may be none
    static String of(
            String name,
            String level,
            Map<String, String> options,
            List<String> members,
            List<String> spares) {
        StringBuilder text = new StringBuilder();
        text.append("  - name: %s%n    level: %s%n".formatted(name, level));
        options.forEach((key, value) -> text.append("    %s: %s%n".formatted(key, value)));
        addList(text, "members", members);
        if (!spares.isEmpty()) {
            addList(text, "spares", spares);
        }
        return text.toString();
    }

    private static void addList(StringBuilder text, String key, List<String> uris) {
        text.append("    %s:%n".formatted(key));
        uris.forEach(uri -> text.append("      - '%s'%n".formatted(uri.replace("'", "''"))));
    }
}

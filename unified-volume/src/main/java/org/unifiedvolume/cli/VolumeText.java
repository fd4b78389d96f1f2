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
    static String of(String name, String level, Map<String, String> options, List<String> members) {
        StringBuilder text = new StringBuilder();
        text.append("  - name: %s%n    level: %s%n".formatted(name, level));
        options.forEach((key, value) -> text.append("    %s: %s%n".formatted(key, value)));
        text.append("    members:%n".formatted());
        members.forEach(
                member -> text.append("      - '%s'%n".formatted(member.replace("'", "''"))));
        return text.toString();
    }
}

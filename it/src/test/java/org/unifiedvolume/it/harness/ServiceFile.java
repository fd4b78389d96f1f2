package org.unifiedvolume.it.harness;

import java.util.List;

/// The text of a configuration file, put together.
public final class ServiceFile {
    private final StringBuilder text = new StringBuilder("state: ./state\n");
    private boolean hasVolumes;

    /// A file with one volume.
    public static ServiceFile of(
            String name, String level, List<?> members, List<?> exports, String... options) {
        return new ServiceFile().volume(name, level, members, exports, options);
    }

    /// One more volume.
    ///
    /// @param options further keys: `chunk: 64KiB`
    public ServiceFile volume(
            String name, String level, List<?> members, List<?> exports, String... options) {
        if (!hasVolumes) {
            hasVolumes = true;
            text.append("volumes:\n");
        }
        text.append("  - name: %s%n    level: %s%n".formatted(name, level));
        for (String option : options) {
            text.append(option.isEmpty() ? "" : "    %s%n".formatted(option));
        }
        list("members", members);
        list("exports", exports);
        return this;
    }

    private void list(String key, List<?> items) {
        if (!items.isEmpty()) {
            text.append("    %s:%n".formatted(key));
            items.forEach(item -> text.append("      - \"%s\"%n".formatted(item)));
        }
    }

    @Override
    public String toString() {
        return text.toString();
    }
}

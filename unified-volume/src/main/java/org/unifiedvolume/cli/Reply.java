package org.unifiedvolume.cli;

import java.util.List;
import java.util.Map;

/// Takes the values out of a service's answer. What is missing, because the service is of another
/// release, shows as empty.
final class Reply {
    private final Map<?, ?> content;

    Reply(Map<?, ?> content) {
        this.content = content;
    }

    String text(String key) {
        Object value = content.get(key);
        return value == null ? "" : value.toString();
    }

    long number(String key) {
        return content.get(key) instanceof Number number ? number.longValue() : 0;
    }

    double decimal(String key) {
        return content.get(key) instanceof Number number ? number.doubleValue() : 0;
    }

    boolean flag(String key) {
        return content.get(key) instanceof Boolean flag && flag;
    }

    Reply part(String key) {
        return new Reply(content.get(key) instanceof Map<?, ?> map ? map : Map.of());
    }

    List<Reply> parts(String key) {
        return content.get(key) instanceof List<?> list
                ? list.stream()
                        .filter(item -> item instanceof Map)
                        .map(item -> new Reply((Map<?, ?>) item))
                        .toList()
                : List.of();
    }

    List<String> texts(String key) {
        return content.get(key) instanceof List<?> list
                ? list.stream().map(String::valueOf).toList()
                : List.of();
    }
}

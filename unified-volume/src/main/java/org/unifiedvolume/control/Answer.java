package org.unifiedvolume.control;

import java.util.Map;

/// One line of the service's answer.
public sealed interface Answer {
    /// Something on the way: more follows.
    record Event(Map<String, Object> content) implements Answer {}

    /// The end of a command that was carried out.
    record Result(Map<String, Object> content) implements Answer {}

    /// The end of a command that was not.
    record Failure(String message) implements Answer {}

    /// A sign of life: more follows.
    record Idle() implements Answer {}

    /// The answer as an object for one line.
    default Map<String, Object> toJson() {
        return switch (this) {
            case Event(Map<String, Object> content) -> Map.of("event", content);
            case Result(Map<String, Object> content) -> Map.of("result", content);
            case Failure(String message) -> Map.of("error", message);
            case Idle() -> Map.of();
        };
    }

    /// Reads an answer; what is unknown counts as a sign of life.
    @SuppressWarnings("unchecked") // JSON objects have texts for keys
    static Answer ofJson(Map<String, Object> json) {
        if (json.get("event") instanceof Map<?, ?> event) {
            return new Event((Map<String, Object>) event);
        }
        if (json.get("result") instanceof Map<?, ?> result) {
            return new Result((Map<String, Object>) result);
        }
        if (json.get("error") instanceof String error) {
            return new Failure(error);
        }
        return new Idle();
    }
}

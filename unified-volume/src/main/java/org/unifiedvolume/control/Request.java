package org.unifiedvolume.control;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What a client asks of the service: a command and its arguments.
public record Request(String command, Map<String, Object> arguments) {
    private static final String COMMAND = "do";

    /// A request without arguments yet.
    public static Request of(String command) {
        return new Request(command, new LinkedHashMap<>());
    }

    /// The same request with one more argument; null leaves it out.
    public Request with(String name, Object value) {
        Map<String, Object> more = new LinkedHashMap<>(arguments);
        if (value != null) {
            more.put(name, value);
        }
        return new Request(command, more);
    }

    Map<String, Object> toJson() {
        Map<String, Object> json = new LinkedHashMap<>();
        json.put(COMMAND, command);
        json.putAll(arguments);
        return json;
    }

    static Request ofJson(Map<String, Object> json) throws ControlFault {
        if (!(json.get(COMMAND) instanceof String command)) {
            throw new ControlFault("the request names no command under \"" + COMMAND + "\"");
        }
        Map<String, Object> arguments = new LinkedHashMap<>(json);
        arguments.remove(COMMAND);
        return new Request(command, arguments);
    }

    /// A text argument; null if it is not given.
    public String text(String name) throws ControlFault {
        return switch (arguments.get(name)) {
            case null -> null;
            case String text -> text;
            default -> throw new ControlFault("the argument " + name + " is not text");
        };
    }

    /// A text argument that must be given.
    public String needText(String name) throws ControlFault {
        String text = text(name);
        if (text == null || text.isEmpty()) {
            throw new ControlFault("the request has no argument " + name);
        }
        return text;
    }

    /// An argument that is true or false; false if it is not given.
    public boolean flag(String name) throws ControlFault {
        return switch (arguments.get(name)) {
            case null -> false;
            case Boolean flag -> flag;
            default -> throw new ControlFault("the argument " + name + " is not true or false");
        };
    }

    /// A whole number within bounds.
    public long number(String name, long otherwise, long least, long most) throws ControlFault {
        return switch (arguments.get(name)) {
            case null -> otherwise;
            case Long number when number >= least && number <= most -> number;
            default ->
                    throw new ControlFault(
                            "the argument %s is not a number from %d to %d"
                                    .formatted(name, least, most));
        };
    }

    /// A list of texts; empty if it is not given.
    public List<String> texts(String name) throws ControlFault {
        if (arguments.get(name) == null) {
            return List.of();
        }
        if (arguments.get(name) instanceof List<?> list
                && list.stream().allMatch(item -> item instanceof String)) {
            return list.stream().map(item -> (String) item).toList();
        }
        throw new ControlFault("the argument " + name + " is not a list of texts");
    }
}

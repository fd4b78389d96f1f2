package org.unifiedvolume.config;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.MappingStartEvent;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.events.SequenceStartEvent;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.ReaderException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/// Turns the text of a YAML file into a tree of [YamlNode]s that know their places.
///
/// Bounded whatever the text is: its length, the depth of its tree; and references (`&a`, `*a`) are
/// refused, since a few lines of them can describe more than fits in memory.
final class YamlReader {
    static final int MAX_CHARACTERS = 1 << 20;
    private static final int MAX_DEPTH = 16;

    private final String file;
    private final Iterator<Event> events;

    private YamlReader(String file, Iterator<Event> events) {
        this.file = file;
        this.events = events;
    }

    /// Reads a text that holds one YAML document.
    ///
    /// @param file what places call the file
    /// @throws ConfigFault if it is not YAML, or uses what configuration files have no need of
    static YamlNode read(String file, String text) throws ConfigFault {
        if (text.length() > MAX_CHARACTERS) {
            throw new ConfigFault(
                    new Place(file, 0, 0),
                    "the file is larger than 1 MiB",
                    "name a configuration file");
        }
        LoadSettings settings =
                LoadSettings.builder().setCodePointLimit(MAX_CHARACTERS).setLabel(file).build();
        try {
            return new YamlReader(file, new Parse(settings).parseString(text).iterator())
                    .document();
        } catch (MarkedYamlEngineException e) {
            Place place =
                    e.getProblemMark()
                            .or(e::getContextMark)
                            .map(mark -> placeOf(file, mark))
                            .orElse(new Place(file, 0, 0));
            throw notYaml(place, e.getProblem());
        } catch (ReaderException e) {
            throw notYaml(
                    placeOfIndex(file, text, e.getPosition()),
                    "the character U+%04X is not allowed".formatted(e.getCodePoint()));
        } catch (YamlEngineException e) {
            throw notYaml(new Place(file, 0, 0), e.getMessage());
        }
    }

    private static ConfigFault notYaml(Place place, String problem) {
        String oneLine = String.valueOf(problem).replaceAll("\\s+", " ").strip();
        return new ConfigFault(
                place,
                "this is not YAML: " + oneLine,
                "check the indentation (spaces, no tabs), the colons, and quote odd characters");
    }

    private static Place placeOf(String file, Mark mark) {
        return new Place(file, mark.getLine() + 1, mark.getColumn() + 1);
    }

    private static Place placeOfIndex(String file, String text, int index) {
        int end = Math.clamp(index, 0, text.length());
        int line = 1 + (int) text.substring(0, end).chars().filter(c -> c == '\n').count();
        return new Place(file, line, end - (text.lastIndexOf('\n', end - 1) + 1) + 1);
    }

    private Place placeOf(Event event) {
        return event.getStartMark().map(mark -> placeOf(file, mark)).orElse(new Place(file, 0, 0));
    }

    private YamlNode document() throws ConfigFault {
        YamlNode root = null;
        while (events.hasNext()) {
            Event event = events.next();
            switch (event.getEventId()) {
                case StreamStart, StreamEnd, DocumentEnd, Comment -> {}
                case DocumentStart -> {
                    if (root != null) {
                        throw new ConfigFault(
                                placeOf(event),
                                "a second document begins",
                                "leave out the line with ---");
                    }
                    root = node(events.next(), 0);
                }
                case Alias, Scalar, SequenceStart, SequenceEnd, MappingStart, MappingEnd ->
                        throw new AssertionError("the parser sent " + event + " out of order");
            }
        }
        return root == null ? new YamlNode.Scalar(new Place(file, 1, 1), "") : root;
    }

    private YamlNode node(Event event, int depth) throws ConfigFault {
        Place place = placeOf(event);
        if ((event instanceof AliasEvent)
                || (event instanceof NodeEvent node && node.getAnchor().isPresent())) {
            throw new ConfigFault(
                    place, "references (& and *) are not used here", "write the value itself");
        }
        if (depth > MAX_DEPTH) {
            throw new ConfigFault(
                    place, "lists and keys are nested too deeply", "see uvol help serve");
        }
        return switch (event) {
            case ScalarEvent scalar -> new YamlNode.Scalar(place, textOf(scalar));
            case SequenceStartEvent _ -> sequence(place, depth);
            case MappingStartEvent _ -> mapping(place, depth);
            default -> throw new AssertionError("the parser sent " + event + " out of order");
        };
    }

    private static String textOf(ScalarEvent scalar) {
        String text = scalar.getValue();
        boolean isNull = scalar.isPlain() && (text.equals("~") || text.equals("null"));
        return isNull ? "" : text;
    }

    private YamlNode sequence(Place place, int depth) throws ConfigFault {
        List<YamlNode> items = new ArrayList<>();
        for (Event event = events.next();
                event.getEventId() != Event.ID.SequenceEnd;
                event = events.next()) {
            items.add(node(event, depth + 1));
        }
        return new YamlNode.Sequence(place, List.copyOf(items));
    }

    private YamlNode mapping(Place place, int depth) throws ConfigFault {
        Map<String, Place> seen = new HashMap<>();
        List<YamlNode.Entry> entries = new ArrayList<>();
        for (Event event = events.next();
                event.getEventId() != Event.ID.MappingEnd;
                event = events.next()) {
            YamlNode key = node(event, depth + 1);
            if (!(key instanceof YamlNode.Scalar(Place where, String name)) || name.isEmpty()) {
                throw new ConfigFault(
                        key.place(), "a key is a single word, not " + key.noun(), "name the key");
            }
            YamlNode value = node(events.next(), depth + 1);
            Place before = seen.putIfAbsent(name, where);
            if (before != null) {
                throw new ConfigFault(
                        where,
                        "the key \"%s\" is here for the second time, after %s"
                                .formatted(name, before),
                        "keep one of them");
            }
            entries.add(new YamlNode.Entry(where, name, value));
        }
        return new YamlNode.Mapping(place, List.copyOf(entries));
    }
}

package org.unifiedvolume.raid.superblock;

import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.raid.superblock.MemberAreas.Area;

/// Shows a superblock to people and to their programs.
public final class Examine {
    private static final int LABEL_WIDTH = 16;

    private Examine() {}

    /// A superblock as plain values that can be written as JSON. Sizes are in bytes, times are
    /// ISO 8601, epoch ids hexadecimal.
    public static Map<String, Object> view(Superblock superblock) {
        ArrayDescription array = superblock.array();
        Map<String, Object> arrayView = new LinkedHashMap<>();
        arrayView.put("uuid", array.uuid().toString());
        arrayView.put("name", array.name());
        arrayView.put("level", array.levelName());
        arrayView.put("copies", array.copies());
        arrayView.put("chunk", array.chunkBytes());
        arrayView.put("size", array.sizeBytes());
        arrayView.put("used", array.rowBytes());
        arrayView.put("roles", array.roles());
        arrayView.put("created", fromMicros(array.createdMicros()));
        if (array.reshape() != null) {
            Map<String, Object> reshape = new LinkedHashMap<>();
            reshape.put("position", array.reshape().positionBytes());
            reshape.put("roles-before", array.reshape().rolesBefore());
            reshape.put("chunk-before", array.reshape().chunkBefore());
            arrayView.put("reshape", reshape);
        }
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("array", arrayView);
        view.put("member", superblock.member().toString());
        view.put("role", superblock.role());
        view.put("events", superblock.events());
        view.put("epoch", epoch(superblock.epoch()));
        view.put("history", superblock.history().stream().map(Examine::epoch).toList());
        view.put("updated", fromMicros(superblock.updatedMicros()));
        view.put("clean", superblock.clean());
        view.put("primary", superblock.primary());
        view.put("cleared-events", superblock.clearedEvents());
        view.put("areas", areas(superblock.areas()));
        view.put("members", superblock.members().stream().map(Examine::member).toList());
        return view;
    }

    private static Map<String, Object> epoch(Epoch epoch) {
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("number", epoch.number());
        view.put("id", "%016x".formatted(epoch.id()));
        return view;
    }

    private static Map<String, Object> areas(MemberAreas areas) {
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("member-size", areas.memberBytes());
        view.put("metadata", placeOf(areas));
        putArea(view, "data", areas.data());
        putArea(view, "bitmap", areas.bitmap());
        putArea(view, "journal", areas.journal());
        putArea(view, "checksums", areas.checksums());
        view.put("integrity", areas.checksums().isPresent() ? "crc32c" : "none");
        putArea(view, "bad-blocks", areas.badBlocks());
        view.put("region", areas.regionBytes());
        return view;
    }

    private static String placeOf(MemberAreas areas) {
        return switch (areas.place()) {
            case START -> "start";
            case END -> "end";
        };
    }

    private static void putArea(Map<String, Object> view, String name, Area area) {
        if (area.isPresent()) {
            Map<String, Object> where = new LinkedHashMap<>();
            where.put("offset", area.offset());
            where.put("length", area.length());
            view.put(name, where);
        }
    }

    private static Map<String, Object> member(MemberEntry entry) {
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("uuid", entry.member().toString());
        view.put("role", entry.role());
        view.put("state", entry.state().name());
        view.put("since", fromMillis(entry.sinceMillis()));
        view.put("known-events", entry.knownEvents());
        view.put("filled", entry.filledBytes());
        view.put("place", entry.place());
        return view;
    }

    private static String fromMicros(long micros) {
        return Instant.ofEpochSecond(
                        Math.floorDiv(micros, 1_000_000L), Math.floorMod(micros, 1_000_000L) * 1000)
                .toString();
    }

    /// Any number may stand on disk, and not every one is a time.
    private static String fromMillis(long millis) {
        return Instant.ofEpochSecond(
                        Math.floorDiv(millis, 1000L), Math.floorMod(millis, 1000L) * 1_000_000)
                .toString();
    }

    /// A superblock in lines for people, as `mdadm --examine` shows one.
    public static String text(Superblock superblock) {
        ArrayDescription array = superblock.array();
        MemberAreas areas = superblock.areas();
        List<String> lines = new ArrayList<>();
        add(lines, "array", "%s (%s)".formatted(printable(array.name()), array.uuid()));
        add(lines, "level", levelOf(array));
        add(lines, "size", Units.size(array.sizeBytes()));
        if (array.reshape() != null) {
            add(lines, "reshape", reshapeOf(array));
        }
        add(lines, "created", fromMicros(array.createdMicros()));
        add(lines, "member", superblock.member().toString());
        add(lines, "role", roleOf(superblock.role()));
        add(lines, "updated", fromMicros(superblock.updatedMicros()));
        add(lines, "events", Long.toString(superblock.events()));
        add(lines, "epoch", superblock.epoch().toString());
        add(lines, "state", superblock.clean() ? "clean" : "in use, or not stopped in order");
        add(lines, "metadata", "at the " + placeOf(areas));
        addArea(lines, "data", areas.data());
        addArea(lines, "bitmap", areas.bitmap());
        if (areas.bitmap().isPresent()) {
            add(lines, "a bit stands for", Units.size(areas.regionBytes()));
        }
        addArea(lines, "bad blocks", areas.badBlocks());
        addArea(lines, "journal", areas.journal());
        addArea(lines, "checksums", areas.checksums());
        lines.add("");
        lines.add("%6s  %-10s  %10s  %s".formatted("role", "state", "events", "last seen"));
        for (MemberEntry entry : superblock.members()) {
            lines.add(
                    "%6s  %-10s  %10d  %s%s"
                            .formatted(
                                    roleOf(entry.role()),
                                    entry.state(),
                                    entry.knownEvents(),
                                    printable(entry.place()),
                                    entry.member().equals(superblock.member())
                                            ? "  (this one)"
                                            : ""));
        }
        return String.join("\n", lines) + "\n";
    }

    private static void add(List<String> lines, String label, String value) {
        lines.add(" ".repeat(LABEL_WIDTH - label.length()) + label + "  " + value);
    }

    private static void addArea(List<String> lines, String label, Area area) {
        if (area.isPresent()) {
            add(lines, label, "%s at %d".formatted(Units.size(area.length()), area.offset()));
        }
    }

    private static String levelOf(ArrayDescription array) {
        String chunk = array.chunkBytes() == 0 ? "" : ", chunk " + Units.size(array.chunkBytes());
        String copies = array.level() == 10 ? ", %d copies".formatted(array.copies()) : "";
        return "%s of %d%s%s".formatted(array.levelName(), array.roles(), chunk, copies);
    }

    private static String reshapeOf(ArrayDescription array) {
        Reshape reshape = array.reshape();
        // Parity is laid out up to its new end, a plain stripe as far as it has bytes.
        long end =
                switch (array.level()) {
                    case 5, 6 -> array.rowBytes() * (array.roles() - (array.level() - 4));
                    default -> array.sizeBytes();
                };
        return "from %d members to %d, %s of %s done"
                .formatted(
                        reshape.rolesBefore(),
                        array.roles(),
                        Units.size(reshape.positionBytes()),
                        Units.size(end));
    }

    private static String roleOf(int role) {
        return role < 0 ? "spare" : Integer.toString(role);
    }

    /// What stands on disk may be anything, and must not reach a terminal as commands to it.
    private static String printable(String text) {
        return text.codePoints()
                .map(c -> Character.isISOControl(c) ? '?' : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }
}

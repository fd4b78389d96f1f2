package org.unifiedvolume.raid.mirror;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.zip.CRC32C;

/// What a mirror has to know when it starts again: which legs hold every acknowledged change.
///
/// ```
/// uvol-raid1 1 <length of the rest> <CRC32C of the rest, 8 hex digits>
/// generation 7
/// size 10737418240
/// clean no
/// primary 0
/// leg IN_SYNC 10737418240 1795166755000
/// name file:/srv/a.img
/// reason
/// …
/// ```
///
/// @param generation counts the records of this mirror
/// @param sizeBytes the size of the mirror
/// @param clean whether it was closed with all complete legs alike
/// @param primary the leg that is right where complete legs differ
record MirrorRecord(long generation, long sizeBytes, boolean clean, int primary, List<Entry> legs) {
    private static final String MAGIC = "uvol-raid1";
    private static final String VERSION = "1";

    /// What is known of one leg.
    ///
    /// @param sizeBytes the leg's own size
    /// @param sinceMillis when it came into its state
    /// @param reason why it is in that state
    record Entry(String name, long sizeBytes, LegState state, long sinceMillis, String reason) {}

    MirrorRecord {
        legs = List.copyOf(legs);
    }

    /// The entry of a leg; null if there is none.
    Entry leg(String name) {
        for (Entry entry : legs) {
            if (entry.name().equals(name)) {
                return entry;
            }
        }
        return null;
    }

    byte[] encode() {
        StringBuilder body = new StringBuilder();
        body.append("generation ").append(generation).append('\n');
        body.append("size ").append(sizeBytes).append('\n');
        body.append("clean ").append(clean ? "yes" : "no").append('\n');
        body.append("primary ").append(primary).append('\n');
        for (Entry leg : legs) {
            body.append("leg %s %d %d\n".formatted(leg.state, leg.sizeBytes, leg.sinceMillis));
            body.append("name ").append(escape(leg.name)).append('\n');
            body.append("reason ").append(escape(leg.reason)).append('\n');
        }
        byte[] rest = body.toString().getBytes(StandardCharsets.UTF_8);
        String head = "%s %s %d %s\n".formatted(MAGIC, VERSION, rest.length, checksum(rest));
        byte[] first = head.getBytes(StandardCharsets.UTF_8);
        byte[] all = new byte[first.length + rest.length];
        System.arraycopy(first, 0, all, 0, first.length);
        System.arraycopy(rest, 0, all, first.length, rest.length);
        return all;
    }

    /// Reads a record.
    ///
    /// @throws IOException saying what is wrong with it, to be completed with where it is
    static MirrorRecord decode(byte[] bytes) throws IOException {
        int end = 0;
        while (end < bytes.length && bytes[end] != '\n') {
            end++;
        }
        String[] head = new String(bytes, 0, end, StandardCharsets.UTF_8).split(" ", -1);
        if (end == bytes.length || head.length != 4 || !head[0].equals(MAGIC)) {
            throw new IOException("it does not start like a record of a mirror");
        }
        if (!head[1].equals(VERSION)) {
            throw new IOException("it has version %s, known is %s".formatted(head[1], VERSION));
        }
        byte[] rest = new byte[bytes.length - end - 1];
        System.arraycopy(bytes, end + 1, rest, 0, rest.length);
        if (!head[2].equals(Integer.toString(rest.length))) {
            throw new IOException("it has %d bytes, not %s".formatted(rest.length, head[2]));
        }
        if (!head[3].equals(checksum(rest))) {
            throw new IOException("its checksum is wrong");
        }
        try {
            return parse(new String(rest, StandardCharsets.UTF_8).split("\n", -1));
        } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
            throw new IOException("a line of it cannot be read (%s)".formatted(e.getMessage()), e);
        }
    }

    private static MirrorRecord parse(String[] lines) {
        long generation = Long.parseLong(value(lines[0], "generation"));
        long size = Long.parseLong(value(lines[1], "size"));
        boolean clean = value(lines[2], "clean").equals("yes");
        int primary = Integer.parseInt(value(lines[3], "primary"));
        List<Entry> legs = new ArrayList<>();
        for (int i = 4; i + 2 < lines.length; i += 3) {
            String[] leg = value(lines[i], "leg").split(" ", -1);
            legs.add(
                    new Entry(
                            unescape(value(lines[i + 1], "name")),
                            Long.parseLong(leg[1]),
                            LegState.valueOf(leg[0]),
                            Long.parseLong(leg[2]),
                            unescape(value(lines[i + 2], "reason"))));
        }
        if (legs.isEmpty() || primary < 0 || primary >= legs.size() || size < 0) {
            throw new IllegalArgumentException("primary " + primary + " of " + legs.size());
        }
        return new MirrorRecord(generation, size, clean, primary, legs);
    }

    private static String value(String line, String key) {
        if (!line.startsWith(key + " ")) {
            throw new IllegalArgumentException("\"%s\" where %s should stand".formatted(line, key));
        }
        return line.substring(key.length() + 1);
    }

    private static String escape(String text) {
        return text.replace("\\", "\\\\").replace("\n", "\\n");
    }

    private static String unescape(String text) {
        StringBuilder plain = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\' && i + 1 < text.length()) {
                i++;
                c = text.charAt(i) == 'n' ? '\n' : text.charAt(i);
            }
            plain.append(c);
        }
        return plain.toString();
    }

    private static String checksum(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, bytes.length);
        return String.format(Locale.ROOT, "%08x", crc.getValue());
    }
}

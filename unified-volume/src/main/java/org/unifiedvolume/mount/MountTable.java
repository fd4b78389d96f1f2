package org.unifiedvolume.mount;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What is mounted where now, as `/proc/self/mountinfo` says (`proc(5)`).
public final class MountTable {
    private static final Path MOUNTINFO = Path.of("/proc/self/mountinfo");

    /// One mount.
    ///
    /// @param device its device as `major:minor`
    /// @param path where it is mounted
    /// @param type the filesystem's type: `ext4`, `fuse.uvol`
    /// @param source what is mounted: `/dev/loop0`, `uvol:media`
    public record Entry(String device, Path path, String type, String source) {
        public boolean isFuse() {
            return type.equals("fuse") || type.startsWith("fuse.") || type.equals("fuseblk");
        }
    }

    private final List<Entry> entries;

    private MountTable(List<Entry> entries) {
        this.entries = List.copyOf(entries);
    }

    /// Reads the table.
    ///
    /// @throws IOException if there is no `/proc`
    public static MountTable read() throws IOException {
        return parse(Files.readAllLines(MOUNTINFO, StandardCharsets.ISO_8859_1));
    }

    /// Reads lines of `mountinfo`; one that is not understood is left out.
    static MountTable parse(List<String> lines) {
        List<Entry> entries = new ArrayList<>();
        for (String line : lines) {
            String[] words = line.split(" ");
            int dash = List.of(words).indexOf("-");
            if (dash >= 6 && words.length >= dash + 3) {
                entries.add(
                        new Entry(
                                words[2],
                                Path.of(unescape(words[4])),
                                unescape(words[dash + 1]),
                                unescape(words[dash + 2])));
            }
        }
        return new MountTable(entries);
    }

    /// Spaces, tabs, line ends and backslashes are written in octal; the rest is UTF-8.
    private static String unescape(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        int length = 0;
        for (int i = 0; i < bytes.length; i++) {
            int value = bytes[i];
            if (value == '\\' && i + 3 < bytes.length && isOctal(bytes, i + 1)) {
                value = (bytes[i + 1] - '0') << 6 | (bytes[i + 2] - '0') << 3 | bytes[i + 3] - '0';
                i += 3;
            }
            bytes[length++] = (byte) value;
        }
        return new String(bytes, 0, length, StandardCharsets.UTF_8);
    }

    private static boolean isOctal(byte[] bytes, int start) {
        for (int i = start; i < start + 3; i++) {
            if (bytes[i] < '0' || bytes[i] > '7') {
                return false;
            }
        }
        return true;
    }

    /// In the order in which they were mounted.
    public List<Entry> entries() {
        return entries;
    }

    /// The topmost mount at a path.
    public Optional<Entry> at(Path path) {
        return entries.reversed().stream().filter(entry -> entry.path().equals(path)).findFirst();
    }

    /// Where a device's filesystem is mounted, the last mount first: the order to unmount in.
    ///
    /// @param source the device's path
    public List<Entry> ofSource(String source) {
        return entries.reversed().stream().filter(entry -> entry.source().equals(source)).toList();
    }
}

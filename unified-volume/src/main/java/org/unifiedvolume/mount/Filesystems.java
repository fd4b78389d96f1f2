package org.unifiedvolume.mount;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Makes filesystems on block devices. Blocking; needs the right to write the device.
public final class Filesystems {
    /// A kind of filesystem: the tool that makes it, and how the tool is told to be quiet and to
    /// overwrite.
    private record Maker(Tool tool, List<String> arguments) {}

    private static final Map<String, Maker> MAKERS =
            new TreeMap<>(
                    Map.of(
                            "ext4",
                            new Maker(Tool.MKFS_EXT4, List.of("-q", "-F")),
                            "xfs",
                            new Maker(Tool.MKFS_XFS, List.of("-q", "-f")),
                            "btrfs",
                            new Maker(Tool.MKFS_BTRFS, List.of("-q", "-f"))));

    /// `blkid(8)`, probing: nothing was found.
    private static final int BLKID_NOTHING = 2;

    private Filesystems() {}

    /// The types that [#make] knows.
    public static List<String> types() {
        return List.copyOf(MAKERS.keySet());
    }

    /// Makes a filesystem. One that is there already, or a partition table, is only overwritten if
    /// `force` says so.
    ///
    /// @param type one of [#types]
    /// @param device a block device or a file
    /// @throws IOException naming the device, the cause and the remedy
    public static void make(String type, String device, boolean force) throws IOException {
        Maker maker = MAKERS.get(type);
        if (maker == null) {
            throw new IOException(
                    "unknown filesystem \"%s\"; use one of %s"
                            .formatted(type, String.join(", ", MAKERS.keySet())));
        }
        maker.tool().find();
        String found = signature(device);
        if (!found.isEmpty() && !force) {
            throw new IOException(
                    "%s: holds %s already, which would be lost; mount it without making a"
                                    .formatted(device, found)
                            + " filesystem, or say that it may be overwritten (force)");
        }
        String[] arguments = new String[maker.arguments().size() + 1];
        maker.arguments().toArray(arguments);
        arguments[arguments.length - 1] = device;
        Tool.Result result = maker.tool().run(arguments);
        if (!result.succeeded()) {
            throw new IOException(
                    "%s: %s failed with status %d: %s"
                            .formatted(
                                    device,
                                    maker.tool().program(),
                                    result.status(),
                                    result.output()));
        }
    }

    /// What a device holds, in a word or two: `ext4`, `a dos partition table`; empty if nothing is
    /// recognized.
    ///
    /// @throws IOException if it cannot be looked at
    public static String signature(String device) throws IOException {
        Tool.Result result = Tool.BLKID.run("--probe", "--output", "export", device);
        if (result.status() == BLKID_NOTHING) {
            return "";
        }
        if (!result.succeeded()) {
            throw new IOException(
                    "%s: cannot be looked at (blkid, status %d): %s"
                            .formatted(device, result.status(), result.output()));
        }
        String type = value(result.output(), "TYPE=");
        String table = value(result.output(), "PTTYPE=");
        if (!type.isEmpty()) {
            return type;
        }
        return table.isEmpty() ? "something" : "a " + table + " partition table";
    }

    private static String value(String output, String key) {
        return output.lines()
                .filter(line -> line.startsWith(key))
                .map(line -> line.substring(key.length()))
                .findFirst()
                .orElse("");
    }
}

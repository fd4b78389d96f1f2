package org.unifiedvolume.mount;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Makes block devices of files and the other way round (`losetup(8)`). Blocking; needs root.
public final class LoopDevices {
    private static final Path BLOCK_DEVICES = Path.of("/sys/block");

    private LoopDevices() {}

    /// Makes a block device of a file. The device reads and writes directly, so nothing is cached
    /// twice and a flush of the device reaches the file.
    ///
    /// @return the device: `/dev/loop0`
    /// @throws IOException naming the file, the cause and the remedy
    public static String attach(Path file, boolean readOnly) throws IOException {
        List<String> arguments = new ArrayList<>(List.of("--direct-io=on", "--show", "--find"));
        if (readOnly) {
            arguments.add("--read-only");
        }
        arguments.add(file.toString());
        Tool.Result result = Tool.LOSETUP.run(arguments.toArray(String[]::new));
        if (!result.succeeded()) {
            throw new IOException(
                    "%s: no loop device can be made of it: %s; this needs root and, in a container,"
                                    .formatted(file, result.output())
                            + " access to /dev/loop-control");
        }
        return result.output().lines().reduce((_, last) -> last).orElseThrow();
    }

    /// Gives a loop device up. While it is mounted the kernel only notes the wish, so unmount
    /// first.
    ///
    /// @throws IOException naming the device and the cause
    public static void detach(String device) throws IOException {
        Tool.Result result = Tool.LOSETUP.run("--detach", device);
        if (!result.succeeded() && !backingFile(Path.of(device).getFileName()).isEmpty()) {
            throw new IOException(
                    "%s: cannot be given up: %s; unmount it first: umount %s"
                            .formatted(device, result.output(), device));
        }
    }

    /// The loop devices that were made of a file.
    ///
    /// @throws IOException if the kernel does not say
    public static List<String> findByFile(Path file) throws IOException {
        String wanted = resolve(file).toString();
        List<String> devices = new ArrayList<>();
        try (DirectoryStream<Path> loops = Files.newDirectoryStream(BLOCK_DEVICES, "loop*")) {
            for (Path loop : loops) {
                if (backingFile(loop.getFileName()).equals(wanted)) {
                    devices.add("/dev/" + loop.getFileName());
                }
            }
        }
        return devices;
    }

    /// The kernel shows paths without symbolic links. Only the folder is looked at: the file itself
    /// may be a mount whose server is gone.
    private static Path resolve(Path file) throws IOException {
        Path absolute = file.toAbsolutePath().normalize();
        Path folder = absolute.getParent();
        return folder == null || !Files.isDirectory(folder)
                ? absolute
                : folder.toRealPath().resolve(absolute.getFileName());
    }

    /// The file that a loop device was made of; empty if it is free.
    private static String backingFile(Path loop) throws IOException {
        Path backing = BLOCK_DEVICES.resolve(loop).resolve("loop/backing_file");
        try {
            String path = Files.readString(backing, StandardCharsets.UTF_8).strip();
            // What was detached from its path is shown so.
            return path.replaceFirst(" \\(deleted\\)$", "");
        } catch (NoSuchFileException e) {
            return "";
        } catch (IOException e) {
            if (Files.exists(backing)) {
                throw e;
            }
            return ""; // given up in this moment
        }
    }
}

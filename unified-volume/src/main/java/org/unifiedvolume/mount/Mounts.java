package org.unifiedvolume.mount;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Mounts filesystems, and takes down what stands on an exported file in the right order. Blocking;
/// needs root.
///
/// ```
/// /srv/media.img      the exported file
///  └─ /dev/loop0      a loop device made of it
///      ├─ /mnt/media  a filesystem on that, mounted
///      └─ /srv/bound  the same once more
/// ```
public final class Mounts {
    private static final Logger LOG = LoggerFactory.getLogger(Mounts.class);

    private Mounts() {}

    /// What stands on an exported file.
    ///
    /// @param loops loop devices made of the file
    /// @param mounts filesystems mounted from these or from the file itself, the last mount first:
    ///     the order to unmount in
    public record Users(List<String> loops, List<MountTable.Entry> mounts) {
        public boolean isEmpty() {
            return loops.isEmpty() && mounts.isEmpty();
        }
    }

    /// Mounts a device's filesystem; the folder is made if it is missing.
    ///
    /// @throws IOException naming the folder, the cause and the remedy
    public static void mount(String device, Path folder) throws IOException {
        mount(device, folder, false);
    }

    /// As [#mount(String, Path)], for a filesystem that must not be changed.
    public static void mount(String device, Path folder, boolean readOnly) throws IOException {
        if (Files.exists(folder) && !Files.isDirectory(folder)) {
            throw new IOException(
                    "%s: is not a directory; name one to mount %s on".formatted(folder, device));
        }
        Files.createDirectories(folder);
        if (MountTable.read().at(folder.toRealPath()).isPresent()) {
            throw new IOException(
                    "%s: something is mounted there already; umount %s or name another directory"
                            .formatted(folder, folder));
        }
        Tool.Result result =
                Tool.MOUNT.run("-o", readOnly ? "ro" : "rw", device, folder.toString());
        if (!result.succeeded()) {
            throw new IOException(
                    "%s: %s cannot be mounted there: %s"
                            .formatted(folder, device, result.output()));
        }
    }

    /// Unmounts what is mounted last at a folder.
    ///
    /// @throws IOException naming the folder, the cause and the remedy
    public static void unmount(Path folder) throws IOException {
        Tool.Result result = Tool.UMOUNT.run(folder.toString());
        if (!result.succeeded()) {
            throw new IOException(
                    "%s: cannot be unmounted: %s; see who uses it: fuser -vm %s"
                            .formatted(folder, result.output(), folder));
        }
    }

    /// What stands on an exported file now.
    ///
    /// @throws IOException if the kernel does not say
    public static Users usersOf(Path file) throws IOException {
        List<String> loops = LoopDevices.findByFile(file);
        MountTable table = MountTable.read();
        List<MountTable.Entry> mounts = new ArrayList<>();
        for (MountTable.Entry entry : table.entries().reversed()) {
            if (loops.stream().anyMatch(loop -> isOn(entry.source(), loop))
                    || entry.source().equals(file.toString())) {
                mounts.add(entry);
            }
        }
        return new Users(loops, mounts);
    }

    /// Whether a source is a loop device or one of its partitions: `/dev/loop0`, `/dev/loop0p1`.
    private static boolean isOn(String source, String loop) {
        return source.equals(loop)
                || (source.startsWith(loop + "p")
                        && source.substring(loop.length() + 1)
                                .chars()
                                .allMatch(Character::isDigit));
    }

    /// Unmounts every filesystem that stands on an exported file and gives its loop devices up, so
    /// that nothing is lost when the export is closed afterwards.
    ///
    /// @return what could not be taken down, in words; empty if nothing is left
    public static List<String> takeDown(Path file) {
        List<String> problems = new ArrayList<>();
        try {
            Users users = usersOf(file);
            for (MountTable.Entry mount : users.mounts()) {
                attempt(problems, () -> unmount(mount.path()));
            }
            for (String loop : users.loops()) {
                attempt(problems, () -> LoopDevices.detach(loop));
            }
        } catch (IOException e) {
            problems.add(e.getMessage());
        }
        return problems;
    }

    /// As [#takeDown], whoever uses it: a filesystem that is busy is made durable as far as that
    /// goes and hidden from now on, since its disk is about to go or is gone. What cannot be done
    /// is logged.
    public static void takeAway(Path file) {
        List<String> problems = takeDown(file);
        if (problems.isEmpty()) {
            return;
        }
        problems.forEach(problem -> LOG.error("{}", problem));
        try {
            for (MountTable.Entry mount : usersOf(file).mounts()) {
                LOG.error(
                        "{}: still in use; it is synced and taken away from under its users",
                        mount.path());
                Tool.SYNC.tryRun("--file-system", mount.path().toString());
                Tool.UMOUNT.tryRun("--lazy", mount.path().toString());
            }
        } catch (IOException e) {
            LOG.error("{}: {}", file, e.getMessage());
        }
        takeDown(file).forEach(problem -> LOG.error("{}", problem));
    }

    private interface Step {
        void run() throws IOException;
    }

    private static void attempt(List<String> problems, Step step) {
        try {
            step.run();
        } catch (IOException e) {
            problems.add(e.getMessage());
        }
    }
}

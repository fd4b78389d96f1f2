package org.unifiedvolume.it.harness;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;

/// Finds the programs that tests run, and skips tests whose programs are missing.
public final class Programs {
    /// Where programs are looked for: the system's own come first, so that a Python or QEMU that
    /// somebody keeps at home does not decide what is tested.
    static final List<Path> FOLDERS =
            List.of(
                    Path.of("/usr/bin"),
                    Path.of("/usr/sbin"),
                    Path.of("/bin"),
                    Path.of("/sbin"),
                    Path.of("/usr/local/bin"));

    private static final Map<String, String> PACKAGES =
            Map.ofEntries(
                    Map.entry("nbdinfo", "libnbd-bin"),
                    Map.entry("nbdcopy", "libnbd-bin"),
                    Map.entry("nbdsh", "python3-libnbd"),
                    Map.entry("nbdkit", "nbdkit"),
                    Map.entry("qemu-img", "qemu-utils"),
                    Map.entry("qemu-io", "qemu-utils"),
                    Map.entry("qemu-nbd", "qemu-utils"),
                    Map.entry("qemu-storage-daemon", "qemu-system-common"),
                    Map.entry("nbd-server", "nbd-server"),
                    Map.entry("fio", "fio"),
                    Map.entry("certtool", "gnutls-bin"),
                    Map.entry("mkfs.ext4", "e2fsprogs"),
                    Map.entry("e2fsck", "e2fsprogs"),
                    Map.entry("mkfs.xfs", "xfsprogs"),
                    Map.entry("xfs_repair", "xfsprogs"),
                    Map.entry("mkfs.btrfs", "btrfs-progs"),
                    Map.entry("btrfs", "btrfs-progs"),
                    Map.entry("sfdisk", "fdisk"));

    private Programs() {}

    /// Where a program is.
    ///
    /// Skips the test if it is nowhere.
    public static Path find(String program) {
        for (Path folder : FOLDERS) {
            Path path = folder.resolve(program);
            if (Files.isExecutable(path)) {
                return path;
            }
        }
        return Assumptions.abort(
                "%s is missing; install the package %s"
                        .formatted(program, PACKAGES.getOrDefault(program, "that holds it")));
    }

    /// Skips the test unless all of these programs are there.
    public static void need(String... programs) {
        for (String program : programs) {
            find(program);
        }
    }

    /// Skips the test unless it runs as root.
    public static void needRoot(String why) {
        Assumptions.assumeTrue(
                "root".equals(System.getProperty("user.name")), () -> "needs root to " + why);
    }

    /// Skips the test unless nbdkit has a filter.
    public static void needFilter(String filter) {
        find("nbdkit");
        Command.Result config = Command.of("nbdkit", "--dump-config").run().succeeds();
        Path folder =
                config.out()
                        .lines()
                        .filter(line -> line.startsWith("filterdir="))
                        .map(line -> Path.of(line.substring("filterdir=".length())))
                        .findFirst()
                        .orElseThrow();
        Assumptions.assumeTrue(
                Files.exists(folder.resolve("nbdkit-" + filter + "-filter.so")),
                () -> "nbdkit has no filter " + filter + "; install the package nbdkit");
    }
}

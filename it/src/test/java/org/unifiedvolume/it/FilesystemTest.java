package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.unifiedvolume.it.harness.Command;
import org.unifiedvolume.it.harness.Daemon;
import org.unifiedvolume.it.harness.Lab;
import org.unifiedvolume.it.harness.Leftovers;
import org.unifiedvolume.it.harness.Nbd;
import org.unifiedvolume.it.harness.Programs;
import org.unifiedvolume.it.harness.ServiceFile;
import org.unifiedvolume.it.harness.Waiting;

/// Promise: `uvol mount --mkfs` turns a volume over local and remote members into a filesystem that
/// the operating system trusts: what is written is there after a restart, the checkers find nothing
/// to mend, and what is deleted gives its space back.
class FilesystemTest {
    private static final int FILES = 60;

    @RegisterExtension final Lab lab = new Lab();

    private Path folder;

    @BeforeEach
    void makeFolder() throws IOException {
        Programs.needRoot("mount filesystems");
        folder = lab.newFolder("mnt");
    }

    private Daemon serve(String level, long sizeBytes) throws IOException {
        return serve(level, sizeBytes, Nbd.uri(lab.port(), "media"));
    }

    private Daemon serve(String level, long sizeBytes, String export) throws IOException {
        int remote = lab.port();
        long memberBytes = level.equals("raid0") ? sizeBytes / 2 : sizeBytes;
        lab.nbdkit(remote, "file", lab.sparse("remote.img", memberBytes));
        return lab.serve(
                ServiceFile.of(
                        "media",
                        level,
                        List.of(lab.sparse("local.img", memberBytes), Nbd.uri(remote, "")),
                        List.of(export)));
    }

    private void fill(long seed) throws IOException {
        Random random = new Random(seed);
        for (int i = 0; i < FILES; i++) {
            byte[] content = new byte[random.nextInt(600_000)];
            random.nextBytes(content);
            Path file = folder.resolve("d%d/e%d/file%d".formatted(i % 7, i % 3, i));
            Files.createDirectories(file.getParent());
            Files.write(file, content);
        }
        Files.createSymbolicLink(folder.resolve("link"), Path.of("d1"));
    }

    /// The checksums of all files, by name.
    private String checksums() {
        return Command.of(
                        "bash",
                        "-c",
                        "cd '%s' && find . -type f -print0 | sort -z | xargs -0 sha256sum"
                                .formatted(folder))
                .run()
                .succeeds()
                .out();
    }

    @ParameterizedTest
    @CsvSource({
        "ext4, raid0, 128",
        "ext4, raid1, 96",
        "xfs, raid0, 320",
        "btrfs, raid0, 192",
    })
    void keepsWhatIsWrittenOverARestart(String type, String level, long mebibytes)
            throws IOException {
        Programs.need("mkfs." + type);
        Daemon daemon = serve(level, mebibytes << 20);
        daemon.command("mount", "media", folder, "--mkfs", type).run().succeeds();
        fill(mebibytes);
        String before = checksums();
        assertEquals(FILES, before.lines().count());
        daemon.command("umount", folder).run().succeeds();

        String device = daemon.command("attach", "media").run().succeeds().out().strip();
        check(type, device);
        daemon.command("detach", "media").run().succeeds();
        daemon.terminate();

        Daemon again = lab.serve(daemon.file());
        again.command("mount", "media", folder).run().succeeds();
        assertEquals(before, checksums());
        Files.write(folder.resolve("one more"), new byte[100_000]);
        // Ending the daemon unmounts what it has mounted.
        again.terminate();
        assertTrue(Files.notExists(folder.resolve("one more")), "still mounted");
    }

    private static void check(String type, String device) {
        switch (type) {
            case "ext4" -> Command.of("e2fsck", "-fn", device).run().succeeds();
            case "xfs" -> Command.of("xfs_repair", "-n", device).run().succeeds();
            case "btrfs" ->
                    Command.of("btrfs", "check", "--check-data-csum", device).run().succeeds();
            default -> throw new IllegalArgumentException(type);
        }
    }

    @Test
    void givesSpaceBackToTheMembersOnFstrim() throws IOException {
        Daemon daemon = serve("raid0", 128 << 20);
        daemon.command("mount", "media", folder, "--mkfs", "ext4").run().succeeds();
        byte[] content = new byte[10 << 20];
        new Random(1).nextBytes(content);
        Files.write(folder.resolve("big"), content);
        Command.of("sync", "-f", folder).run().succeeds();
        long full = lab.allocatedBytes("local.img") + lab.allocatedBytes("remote.img");
        Files.delete(folder.resolve("big"));
        Command.of("sync", "-f", folder).run().succeeds();

        Command.of("fstrim", folder).run().succeeds();

        long trimmed = lab.allocatedBytes("local.img") + lab.allocatedBytes("remote.img");
        assertTrue(full - trimmed > 9 << 20, "%d bytes before, %d after".formatted(full, trimmed));
        daemon.command("umount", folder).run().succeeds();
        String device = daemon.command("attach", "media").run().succeeds().out().strip();
        check("ext4", device);
        daemon.command("detach", device).run().succeeds();
    }

    /// @param export what the filesystem stands on: an export that the daemon has anyway, or one
    ///     that it makes for the mount
    @ParameterizedTest
    @ValueSource(strings = {"nbd", "fuse"})
    void keepsSyncedFilesWhenTheDaemonIsKilled(String export) throws IOException {
        Daemon daemon =
                serve(
                        "raid0",
                        128 << 20,
                        export.equals("nbd")
                                ? Nbd.uri(lab.port(), "media")
                                : "fuse:" + lab.path("disk"));
        daemon.command("mount", "media", folder, "--mkfs", "ext4").run().succeeds();
        fill(5);
        Command.of("sync", "-f", folder).run().succeeds();
        String before = checksums();
        assertEquals(1, Leftovers.of(lab.folder()).loops().size());

        // Somebody works in the folder meanwhile, as the shell does that stands in it.
        Daemon again;
        try (FileChannel _ = FileChannel.open(folder.resolve("d1/e1/file1"))) {
            daemon.kill();
            again = lab.serve(daemon.file());
            assertTrue(
                    Leftovers.of(lab.folder()).mounts().stream()
                            .noneMatch(mount -> mount.startsWith(folder)),
                    "the dead filesystem is still mounted");
        }
        Waiting.until(
                "the loop device of the dead daemon is given back",
                Duration.ofSeconds(10),
                () -> Leftovers.of(lab.folder()).loops().isEmpty());

        // The filesystem recovers from its journal, then all of it is there.
        again.command("mount", "media", folder).run().succeeds();
        assertEquals(before, checksums());
        again.command("umount", folder).run().succeeds();
        String device = again.command("attach", "media").run().succeeds().out().strip();
        check("ext4", device);
        again.command("detach", "media").run().succeeds();
        assertTrue(again.terminate().compareTo(Duration.ofSeconds(5)) < 0);
    }

    @Test
    void isNotOverwrittenByAnotherMkfsUnlessForced() throws IOException {
        Daemon daemon = serve("raid0", 64 << 20);
        daemon.command("mount", "media", folder, "--mkfs", "ext4").run().succeeds();
        Files.writeString(folder.resolve("precious"), "yes");
        daemon.command("umount", folder).run().succeeds();

        daemon.command("mount", "media", folder, "--mkfs", "ext4")
                .run()
                .exits(1)
                .says("ext4", "--force");

        daemon.command("mount", "media", folder).run().succeeds();
        assertEquals("yes", Files.readString(folder.resolve("precious")));
    }
}

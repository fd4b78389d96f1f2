package org.unifiedvolume.mount;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// A program of the system that the control path runs.
///
/// Found on the `PATH` and in the folders that plain users' paths lack. One that is missing is
/// named together with the Debian package that brings it.
public enum Tool {
    FUSERMOUNT("fusermount3", "fuse3"),
    LOSETUP("losetup", "mount"),
    BLKID("blkid", "util-linux"),
    MOUNT("mount", "mount"),
    UMOUNT("umount", "mount"),
    SYNC("sync", "coreutils"),
    E2FSCK("e2fsck", "e2fsprogs"),
    MKFS_EXT4("mkfs.ext4", "e2fsprogs"),
    MKFS_XFS("mkfs.xfs", "xfsprogs"),
    MKFS_BTRFS("mkfs.btrfs", "btrfs-progs");

    private static final List<String> SYSTEM_FOLDERS =
            List.of("/usr/local/sbin", "/usr/sbin", "/usr/bin", "/sbin", "/bin");

    /// Longer than any of these takes on a disk that works.
    private static final int TIMEOUT_SECONDS = 300;

    private final String program;
    private final String debianPackage;

    Tool(String program, String debianPackage) {
        this.program = program;
        this.debianPackage = debianPackage;
    }

    /// How a run of a program ended.
    ///
    /// @param status its exit status
    /// @param output what it printed, on both streams, without surrounding space
    public record Result(int status, String output) {
        public boolean succeeded() {
            return status == 0;
        }
    }

    public String program() {
        return program;
    }

    /// Where the program is, if it is installed.
    public Optional<Path> locate() {
        return locate(program);
    }

    private static Optional<Path> locate(String program) {
        String path = System.getenv().getOrDefault("PATH", "");
        return Stream.concat(
                        Stream.of(path.split(":")).filter(folder -> folder.startsWith("/")),
                        SYSTEM_FOLDERS.stream())
                .map(folder -> Path.of(folder, program))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /// Where the program is.
    ///
    /// @throws IOException naming the package if it is missing
    public Path find() throws IOException {
        return find(program, debianPackage);
    }

    static Path find(String program, String debianPackage) throws IOException {
        return locate(program)
                .orElseThrow(
                        () ->
                                new IOException(
                                        "%s is not installed; on Debian: apt-get install %s"
                                                .formatted(program, debianPackage)));
    }

    /// Runs the program and waits for its end, whatever that is.
    ///
    /// @throws IOException if it is missing, cannot be started, or does not end
    public Result run(String... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(find().toString());
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.redirectInput(Path.of("/dev/null").toFile());
        builder.environment().put("LC_ALL", "C");
        Path output = Files.createTempFile("uvol-" + program, ".txt");
        try {
            Process process = builder.redirectOutput(output.toFile()).start();
            if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IOException(
                        "%s did not end within %d s; it was killed"
                                .formatted(String.join(" ", command), TIMEOUT_SECONDS));
            }
            String printed = Files.readString(output, StandardCharsets.ISO_8859_1).strip();
            return new Result(process.exitValue(), printed);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("%s was interrupted".formatted(program), e);
        } finally {
            Files.deleteIfExists(output);
        }
    }

    /// Runs the program and returns what it printed.
    ///
    /// @throws IOException if it did not succeed, with its own words
    public String runOrFail(String... arguments) throws IOException {
        Result result = run(arguments);
        if (!result.succeeded()) {
            throw new IOException(
                    "%s %s failed with status %d: %s"
                            .formatted(
                                    program,
                                    String.join(" ", arguments),
                                    result.status(),
                                    result.output()));
        }
        return result.output();
    }

    /// As [#run], for callers who can only log: what kept the program from running becomes the
    /// output of a failed run.
    public Result tryRun(String... arguments) {
        try {
            return run(arguments);
        } catch (IOException e) {
            return new Result(-1, e.getMessage());
        }
    }
}

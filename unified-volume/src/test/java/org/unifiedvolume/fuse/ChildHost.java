package org.unifiedvolume.fuse;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.volume.Volume;

/// Runs [FuseHostMain] and waits until it serves.
final class ChildHost implements AutoCloseable {
    private static final int END_SECONDS = 20;

    private final Process process;
    private final BufferedReader output;

    /// @param prefix what stands before `java` on the command line: another user, for instance
    /// @param classPath where the classes are
    private ChildHost(List<String> prefix, String classPath, String file) throws IOException {
        List<String> command = new ArrayList<>(prefix);
        command.addAll(
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx64m",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        classPath,
                        FuseHostMain.class.getName(),
                        file));
        process = new ProcessBuilder(command).redirectErrorStream(true).start();
        output = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8));
    }

    static ChildHost start(String file) throws Exception {
        ChildHost child = new ChildHost(List.of(), System.getProperty("java.class.path"), file);
        child.awaitReady();
        return child;
    }

    /// Starts it as a plain user.
    ///
    /// @param copies a folder that takes copies of the classes, since the originals may lie where
    ///     that user cannot read
    static ChildHost startAs(int userId, String file, Path copies) throws Exception {
        String user = Integer.toString(userId);
        List<String> prefix =
                List.of("setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--");
        List<String> classPath = new ArrayList<>();
        for (Class<?> part : List.of(Volume.class, FuseHostMain.class, LoggerFactory.class)) {
            classPath.add(copyReadable(part, copies).toString());
        }
        ChildHost child = new ChildHost(prefix, String.join(":", classPath), file);
        child.awaitReady();
        return child;
    }

    private static Path copyReadable(Class<?> part, Path copies)
            throws IOException, URISyntaxException {
        Path source = Path.of(part.getProtectionDomain().getCodeSource().getLocation().toURI());
        Path target = copies.resolve(source.getFileName());
        try (Stream<Path> files = Files.walk(source)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Path copy = target.resolve(source.relativize(file).toString());
                if (Files.isDirectory(file)) {
                    Files.createDirectories(copy);
                } else {
                    Files.copy(file, file.equals(source) ? target : copy);
                }
            }
        }
        try (Stream<Path> files = Files.walk(target)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
            }
        }
        return target;
    }

    private void awaitReady() throws IOException {
        StringBuilder printed = new StringBuilder();
        String line = output.readLine();
        while (line != null && !line.equals("ready")) {
            printed.append(line).append('\n');
            line = output.readLine();
        }
        if (line == null) {
            throw new IOException("the child ended: " + printed);
        }
    }

    /// Ends it as a crash would.
    void kill() {
        process.destroyForcibly().onExit().join();
    }

    /// Lets it end by itself.
    ///
    /// @return its exit status
    int end() throws IOException, InterruptedException {
        process.getOutputStream().close();
        if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
            throw new IOException("the child did not end");
        }
        return process.exitValue();
    }

    @Override
    public void close() {
        kill();
    }
}

package org.unifiedvolume.it.harness;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// `uvol serve FILE` as a process of its own.
public final class Daemon implements AutoCloseable {
    private static final Duration READY_LIMIT = Duration.ofSeconds(30);
    private static final Duration TERM_LIMIT = Duration.ofSeconds(5);

    /// How long ending may take when a test is over and nothing is promised about it.
    private static final Duration END_LIMIT = Duration.ofSeconds(20);

    private static final Pattern STACK_TRACE =
            Pattern.compile("\\bat [\\w.$/@-]+\\(\\w+\\.java(:\\d+)?\\)|Exception in thread ");

    private final Path file;
    private final Process process;
    private final Path out;
    private final Path err;
    private final long startedNanos = System.nanoTime();
    private long readyNanos;

    private Daemon(Path file, Process process, Path out, Path err) {
        this.file = file;
        this.process = process;
        this.out = out;
        this.err = err;
    }

    /// Starts the daemon; it may not be ready, and may end with a complaint.
    static Daemon start(Path file, Map<String, String> environment) {
        try {
            Path out = Files.createTempFile(file.getParent(), "daemon", ".out");
            Path err = Files.createTempFile(file.getParent(), "daemon", ".err");
            Process process =
                    Command.builder(Uvol.words("serve", file), environment)
                            .redirectOutput(out.toFile())
                            .redirectError(err.toFile())
                            .start();
            return new Daemon(file, process, out, err);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Waits for the line that says that all exports answer.
    Daemon awaitReady() {
        Waiting.until(
                () -> "the daemon is ready: " + this,
                READY_LIMIT,
                () -> {
                    if (isReady()) {
                        return true;
                    }
                    if (!process.isAlive() && !isReady()) {
                        throw new AssertionError("ended before it was ready: " + this);
                    }
                    return false;
                });
        readyNanos = System.nanoTime();
        return this;
    }

    private boolean isReady() {
        return read(out).lines().anyMatch(line -> line.startsWith("ready"));
    }

    /// From the start of the process to `ready`.
    public Duration startTime() {
        return Duration.ofNanos(readyNanos - startedNanos);
    }

    public long pid() {
        return process.pid();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    public Path file() {
        return file;
    }

    /// What it printed to standard output.
    public String output() {
        return read(out);
    }

    /// What it logged.
    public String log() {
        return read(err);
    }

    /// A command for this daemon.
    public Command command(Object... words) {
        List<Object> all = new ArrayList<>(List.of(words));
        all.addAll(List.of("--state", stateFolder()));
        return Uvol.command(all.toArray());
    }

    /// What `uvol status NAME --json` shows about one volume.
    public JsonNode status(String volume) {
        JsonNode volumes =
                command("status", volume, "--json").run().succeeds().json().path("volumes");
        if (volumes.size() != 1) {
            throw new AssertionError("status of one volume expected: " + volumes);
        }
        return volumes.get(0);
    }

    /// The state of one volume in a word: `ONLINE`.
    public String state(String volume) {
        return status(volume).path("state").asText();
    }

    /// Where the daemon keeps its records; `state: ./state` in the file.
    public Path stateFolder() {
        return file.resolveSibling("state");
    }

    /// How much memory of the machine it has now, in bytes.
    public long residentBytes() {
        return statusBytes("VmRSS:");
    }

    /// How much memory of the machine it had at the most, in bytes.
    public long peakResidentBytes() {
        return statusBytes("VmHWM:");
    }

    private long statusBytes(String key) {
        return read(Path.of("/proc", Long.toString(pid()), "status"))
                .lines()
                .filter(line -> line.startsWith(key))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                .findFirst()
                .orElseThrow();
    }

    /// Asks the daemon to end, as a service manager would: SIGTERM. Fails unless it exits 0 within
    /// the five seconds that are promised.
    public Duration terminate() {
        long start = System.nanoTime();
        process.destroy();
        int code = ends(TERM_LIMIT);
        if (code != 0) {
            throw new AssertionError("exit code %d after SIGTERM: %s".formatted(code, this));
        }
        checkLog();
        return Duration.ofNanos(System.nanoTime() - start);
    }

    /// Ends the daemon as a power cut would: SIGKILL.
    public void kill() {
        process.destroyForcibly();
        ends(END_LIMIT);
    }

    /// Waits for the end of a daemon that ends by itself.
    ///
    /// @return its exit code
    public int ends(Duration limit) {
        try {
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new AssertionError(
                        "no end within %s: %s%n%s".formatted(limit, this, threads()));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
        return process.exitValue();
    }

    private String threads() {
        Path tool = Path.of(System.getProperty("java.home"), "bin", "jstack");
        return Files.isExecutable(tool) ? Command.of(tool.toString(), pid()).run().out() : "";
    }

    /// Fails if the log shows a stack trace: whatever a user, a peer or a disk does, the answer is
    /// a message.
    public void checkLog() {
        if (STACK_TRACE.matcher(log()).find()) {
            throw new AssertionError("there is a stack trace in the log: " + this);
        }
    }

    @Override
    public void close() {
        if (process.isAlive()) {
            process.destroy();
            try {
                ends(END_LIMIT);
            } finally {
                process.destroyForcibly();
            }
        }
        checkLog();
    }

    private static String read(Path path) {
        try {
            return new String(Files.readAllBytes(path), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    List<Path> logs() {
        return List.of(out, err);
    }

    private static String shortened(String log) {
        return log.lines()
                .map(line -> line.length() < 1000 ? line : line.substring(0, 1000) + " …")
                .limit(200)
                .collect(Collectors.joining("\n"));
    }

    @Override
    public String toString() {
        return "uvol serve %s (process %d)%n%s%s%s"
                .formatted(
                        file,
                        pid(),
                        read(file).indent(4),
                        output().indent(2),
                        shortened(log()).indent(2));
    }
}

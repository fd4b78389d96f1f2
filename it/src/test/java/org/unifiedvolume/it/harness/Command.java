package org.unifiedvolume.it.harness;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/// Runs one real program to its end, within a time limit.
///
/// What it printed and how it ended stand in every failure message.
public final class Command {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final ObjectMapper JSON = new ObjectMapper();

    /// How a program ended.
    public record Result(List<String> words, int exitCode, String out, String err) {
        /// Fails the test unless the program said that it succeeded.
        public Result succeeds() {
            return exits(0);
        }

        /// Fails the test unless the program ended with this code.
        public Result exits(int code) {
            if (exitCode != code) {
                throw new AssertionError("exit code %d expected: %s".formatted(code, this));
            }
            return this;
        }

        /// Fails the test if the program said that it succeeded.
        public Result fails() {
            if (exitCode == 0) {
                throw new AssertionError("a failure expected: " + this);
            }
            return this;
        }

        /// Fails the test unless the program printed each of these texts, to either stream.
        public Result says(String... texts) {
            for (String text : texts) {
                if (!out.contains(text) && !err.contains(text)) {
                    throw new AssertionError("\"%s\" expected: %s".formatted(text, this));
                }
            }
            return this;
        }

        /// What the program printed, read as JSON.
        public JsonNode json() {
            try {
                return JSON.readTree(out);
            } catch (JsonProcessingException e) {
                throw new AssertionError("not JSON (%s): %s".formatted(e.getMessage(), this), e);
            }
        }

        @Override
        public String toString() {
            return "%s%n  exit code %d%n%s%s"
                    .formatted(
                            String.join(" ", words),
                            exitCode,
                            quoted("out", out),
                            quoted("err", err));
        }

        private static String quoted(String stream, String text) {
            String shown = text.length() > 20_000 ? text.substring(0, 20_000) + " …" : text;
            return shown.lines()
                    .map(line -> "  %s| %s%n".formatted(stream, line))
                    .collect(Collectors.joining());
        }
    }

    private final List<String> words;
    private final Map<String, String> environment = new LinkedHashMap<>();
    private Duration limit = LIMIT;
    private String input = "";

    private Command(List<String> words) {
        this.words = words;
    }

    /// Skips the test if the program is missing.
    public static Command of(String program, Object... arguments) {
        List<String> words = new ArrayList<>();
        words.add(program.startsWith("/") ? program : Programs.find(program).toString());
        for (Object argument : arguments) {
            words.add(argument.toString());
        }
        return new Command(words);
    }

    public Command within(Duration time) {
        limit = time;
        return this;
    }

    public Command input(String text) {
        input = text;
        return this;
    }

    public Command with(String variable, String value) {
        environment.put(variable, value);
        return this;
    }

    /// The program and its arguments.
    public List<String> words() {
        return List.copyOf(words);
    }

    /// Runs the program to its end.
    public Result run() {
        try {
            Path folder = Files.createTempDirectory("uvol-it-command");
            try {
                return run(folder.resolve("in"), folder.resolve("out"), folder.resolve("err"));
            } finally {
                Folders.delete(folder);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Result run(Path in, Path out, Path err) throws IOException {
        Files.writeString(in, input);
        Process process =
                builder(words, environment)
                        .redirectInput(in.toFile())
                        .redirectOutput(out.toFile())
                        .redirectError(err.toFile())
                        .start();
        boolean ended = false;
        try {
            ended = process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted while running " + words, e);
        } finally {
            if (!ended) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
            }
        }
        Result result = new Result(words, ended ? process.exitValue() : -1, read(out), read(err));
        if (!ended) {
            throw new AssertionError("no end within %s: %s".formatted(limit, result));
        }
        return result;
    }

    private static String read(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    }

    static ProcessBuilder builder(List<String> words, Map<String, String> environment) {
        ProcessBuilder builder = new ProcessBuilder(words);
        builder.environment()
                .put(
                        "PATH",
                        Programs.FOLDERS.stream()
                                .map(Path::toString)
                                .collect(Collectors.joining(":")));
        builder.environment().put("LC_ALL", "C.UTF-8");
        builder.environment().putAll(environment);
        return builder;
    }
}

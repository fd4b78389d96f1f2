package org.unifiedvolume.demo;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// A process that runs `uvol serve`; it ends with this one, however this one ends.
final class ServedProcess {
    private static final int READY_SECONDS = 30;
    private static final int STOP_SECONDS = 30;

    private final Process process;
    private final Path log;
    private final double readySeconds;

    private ServedProcess(Process process, Path log, double readySeconds) {
        this.process = process;
        this.log = log;
        this.readySeconds = readySeconds;
    }

    /// Starts a service and waits until it is ready.
    ///
    /// @throws DemoFault with the end of its log if it does not become ready
    static ServedProcess start(Path config, Path log)
            throws DemoFault, IOException, InterruptedException {
        List<String> command = new ArrayList<>(launcher());
        command.addAll(
                List.of(
                        "serve",
                        config.toString(),
                        "--with-parent",
                        Long.toString(ProcessHandle.current().pid())));
        long start = System.nanoTime();
        Process process =
                new ProcessBuilder(command)
                        .directory(config.getParent().toFile())
                        .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
                        .start();
        process.getOutputStream().close();
        boolean ready = false;
        try {
            ready = isReady(process);
        } finally {
            if (!ready) {
                process.destroyForcibly();
            }
        }
        if (!ready) {
            throw new DemoFault(
                    "uvol serve %s did not become ready:%n%s".formatted(config, tail(log)));
        }
        return new ServedProcess(process, log, (System.nanoTime() - start) / 1e9);
    }

    /// How uvol is started: by its launcher, or by the java that runs this very code.
    private static List<String> launcher() {
        String script = System.getenv("UVOL_LAUNCHER");
        if (script != null && Files.isExecutable(Path.of(script))) {
            return List.of(script);
        }
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                "org.unifiedvolume.cli.Main");
    }

    private static boolean isReady(Process process) throws InterruptedException {
        CompletableFuture<Boolean> ready = new CompletableFuture<>();
        Thread.ofVirtual()
                .start(
                        () -> {
                            try (BufferedReader lines =
                                    new BufferedReader(
                                            new InputStreamReader(
                                                    process.getInputStream(),
                                                    StandardCharsets.UTF_8))) {
                                ready.complete("ready".equals(lines.readLine()));
                                // Read on, so that the process never waits for a reader.
                                lines.transferTo(Writer.nullWriter());
                            } catch (IOException e) {
                                ready.complete(false);
                            }
                        });
        try {
            return ready.get(READY_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException | ExecutionException e) {
            return false;
        }
    }

    private static String tail(Path log) throws IOException {
        List<String> lines = Files.exists(log) ? Files.readAllLines(log) : List.of();
        return String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size()));
    }

    /// How long it took from its start to `ready`.
    double readySeconds() {
        return readySeconds;
    }

    long pid() {
        return process.pid();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /// The end of what it logged.
    String logTail() throws IOException {
        return tail(log);
    }

    /// Asks it to end (SIGTERM) and waits for that.
    ///
    /// @return its exit code; -1 if it had to be killed
    int stop() throws InterruptedException {
        process.destroy();
        if (process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
            return process.exitValue();
        }
        kill();
        return -1;
    }

    /// Ends it at once (SIGKILL).
    void kill() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor(STOP_SECONDS, TimeUnit.SECONDS);
    }
}

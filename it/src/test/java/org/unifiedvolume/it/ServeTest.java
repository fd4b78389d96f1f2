package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.control.Json;

/// `uvol serve` and the commands beside it, as processes of their own.
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class ServeTest {
    @TempDir private Path folder;
    private Path config;
    private final List<Process> started = new ArrayList<>();

    @BeforeEach
    void describe() throws IOException {
        config = folder.resolve("uvol.yaml");
        Files.writeString(
                config,
                """
                volumes:
                  - name: media
                    level: raid0
                    members: [./a.img?size=8MiB, ./b.img?size=8MiB]
                    exports: ['nbd+unix:///media?socket=./media.sock']
                """);
    }

    @AfterEach
    void endAll() throws InterruptedException {
        for (Process process : started) {
            process.destroyForcibly();
            process.waitFor();
        }
    }

    private Process uvol(String... arguments) throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "--sun-misc-unsafe-memory-access=allow",
                                "-cp",
                                System.getProperty("java.class.path"),
                                "org.unifiedvolume.cli.Main"));
        command.addAll(List.of(arguments));
        Process process =
                new ProcessBuilder(command)
                        .directory(folder.toFile())
                        .redirectError(folder.resolve("err.log").toFile())
                        .start();
        started.add(process);
        return process;
    }

    private Process serve() throws IOException {
        Process service = uvol("serve", config.toString());
        BufferedReader lines =
                new BufferedReader(
                        new InputStreamReader(service.getInputStream(), StandardCharsets.UTF_8));
        assertEquals("ready", lines.readLine(), this::errors);
        return service;
    }

    private String errors() {
        try {
            return Files.readString(folder.resolve("err.log"));
        } catch (IOException e) {
            return e.toString();
        }
    }

    private String output(int expectedCode, String... arguments)
            throws IOException, InterruptedException {
        Process command = uvol(arguments);
        String output = new String(command.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(expectedCode, command.waitFor(), this::errors);
        return output;
    }

    @Test
    void saysReadyAndNothingElseAndEndsWithZeroOnSigterm() throws Exception {
        Process service = serve();
        assertEquals("", errors());
        assertTrue(Files.exists(folder.resolve("media.sock")));
        service.destroy();
        assertTrue(service.waitFor(20, TimeUnit.SECONDS));
        assertEquals(0, service.exitValue(), this::errors);
        assertFalse(Files.exists(folder.resolve("media.sock")));
        assertFalse(Files.exists(folder.resolve("state/control.sock")));
        assertEquals("", errors());
    }

    @Test
    void startsAgainAfterItWasKilled() throws Exception {
        Process first = serve();
        first.destroyForcibly();
        first.waitFor();
        assertTrue(Files.exists(folder.resolve("state/control.sock")), "the remains of a crash");
        serve();
        assertEquals(
                "ONLINE",
                ((java.util.Map<?, ?>)
                                ((List<?>)
                                                Json.readObject(output(0, "status", "--json"))
                                                        .get("volumes"))
                                        .getFirst())
                        .get("state"));
    }

    @Test
    void refusesToRunTwiceInOneStateFolder() throws Exception {
        Process first = serve();
        output(1, "serve", config.toString());
        assertTrue(
                errors().startsWith(
                                        "uvol: %s: another service (process %d) runs here"
                                                .formatted(folder.resolve("state"), first.pid()))
                        || errors().contains("is in use"),
                this::errors);
        assertTrue(first.isAlive());
    }

    @Test
    void namesEveryMemberThatCannotBeHad() throws Exception {
        Files.writeString(
                config,
                """
                volumes:
                  - name: media
                    level: raid0
                    members: [./missing-1.img, ./missing-2.img]
                """);
        output(1, "serve", config.toString());
        List<String> lines = errors().lines().toList();
        assertEquals(2, lines.size(), this::errors);
        for (int i = 1; i <= 2; i++) {
            String line = lines.get(i - 1);
            assertTrue(line.startsWith("uvol: " + config + ":4:"), line);
            assertTrue(line.contains("missing-" + i + ".img does not exist; create it"), line);
        }
    }

    @Test
    void showsIostatWithBothLanes() throws Exception {
        serve();
        String report = output(0, "iostat", "media", "0.2", "--count", "1");
        assertTrue(report.contains("LOCAL") && report.contains("REMOTE"), report);
    }
}

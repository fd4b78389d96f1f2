package org.unifiedvolume.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class MainTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... arguments) {
        return Main.run(new PrintWriter(out, true), new PrintWriter(err, true), arguments);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    ''                       | no command is given
                    stauts                   | Unmatched argument at index 0: 'stauts'
                    serve                    | Missing required parameter: 'FILE'
                    serve a b                | Unmatched argument at index 2: 'b'
                    status --yaml            | Unknown option: '--yaml'
                    iostat v 0               | SECONDS is a number from 0.1 to 3600, not 0
                    iostat v soon            | SECONDS is a number from 0.1 to 3600, not soon
                    iostat --count 0         | --count is less than 1
                    trace                    | Missing required parameter: 'NAME'
                    mount media              | Missing required parameter: 'DIR'
                    mount media /mnt --force | --force says what --mkfs may overwrite; add --mkfs
                    grow m --size 1 --max-rate 1 | --max-rate is about laying out anew
                    grow m --size 1 --force  | --force is about what new members carry
                    fail media               | Missing required parameter: 'MEMBER'
                    """)
    void endsWithTwoWhenItIsUsedWrongly(String line, String message) {
        assertEquals(2, line.isEmpty() ? run() : run(line.split(" ")));
        assertTrue(err.toString().startsWith("uvol: " + message), err.toString());
        assertTrue(err.toString().contains("see uvol help"), err.toString());
        assertEquals("", out.toString());
    }

    @Test
    void endsWithOneWhenTheServiceDoesNotRun(@TempDir Path folder) {
        assertEquals(1, run("status", "--state", folder.toString()));
        assertEquals(
                "uvol: no service runs with the state folder %s; start it with uvol serve FILE\n"
                        .formatted(folder),
                err.toString());
    }

    @Test
    void endsWithOneAndThePlaceWhenTheFileIsWrong(@TempDir Path folder) throws Exception {
        Path file = Files.writeString(folder.resolve("u.yaml"), "volums: []\n");
        assertEquals(1, run("serve", file.toString()));
        assertEquals(
                "uvol: %s:1:1: unknown key \"volums\"; did you mean \"volumes\"? known ones are"
                                .formatted(file)
                        + " buffers, state, volumes\n",
                err.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"version", "--version", "-V"})
    void saysWhichReleaseItIs(String asked) {
        assertEquals(0, run(asked));
        assertTrue(out.toString().matches("uvol [^,]+, Java [^,]+, .+\\R"), out.toString());
    }

    @Test
    void endsWithZeroAfterHelp() {
        assertEquals(0, run("help"));
        assertTrue(out.toString().contains("uvol mount media /mnt --mkfs ext4"));
    }

    @Test
    void explainsEveryCommandWithAnExample() {
        PrintWriter nowhere = new PrintWriter(new StringWriter());
        for (String name : Main.commandLine(nowhere, nowhere).getSubcommands().keySet()) {
            if (name.equals("help")) {
                continue;
            }
            out.getBuffer().setLength(0);
            assertEquals(0, run("help", name));
            String example = "  uvol " + name;
            assertTrue(out.toString().contains("Example"), name);
            assertTrue(
                    out.toString().contains(example) || out.toString().contains("(uvol " + name),
                    out.toString());
            assertEquals(0, run(name, "--help"));
        }
    }

    @Test
    void knowsEveryCommandOfItsHelp() {
        CommandLine main = Main.commandLine(new PrintWriter(out), new PrintWriter(err));
        run("help");
        for (String name : main.getSubcommands().keySet()) {
            assertTrue(out.toString().contains("  " + name), name);
        }
    }
}

package org.unifiedvolume.it.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// The packaged program, started with the very options of the launcher `uvol`.
public final class Uvol {
    private static final Path ROOT =
            Path.of(System.getProperty("uvol.root", "..")).toAbsolutePath().normalize();
    private static final Path LIBRARIES = ROOT.resolve("dist/target/lib");

    private Uvol() {}

    /// The project's root.
    public static Path root() {
        return ROOT;
    }

    /// The words of a call.
    static List<String> words(Object... arguments) {
        List<String> words = new ArrayList<>();
        words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        words.addAll(options());
        words.add("-cp");
        words.add(LIBRARIES + "/*");
        words.add("org.unifiedvolume.cli.Main");
        for (Object argument : arguments) {
            words.add(argument.toString());
        }
        return words;
    }

    private static List<String> options() {
        return List.of("--enable-native-access=ALL-UNNAMED");
    }

    /// A call that runs to its end.
    public static Command command(Object... arguments) {
        List<String> words = words(arguments);
        return Command.of(words.getFirst(), words.subList(1, words.size()).toArray());
    }

    /// Fails, with the remedy, unless the program has been packaged.
    static void checkPackaged() {
        if (!Files.isDirectory(LIBRARIES)) {
            throw new AssertionError(
                    LIBRARIES + " is missing: run the tests of this module with mvn verify");
        }
        try (Stream<Path> jars = Files.list(LIBRARIES)) {
            if (jars.noneMatch(jar -> jar.getFileName().toString().startsWith("unified-volume"))) {
                throw new AssertionError(LIBRARIES + " does not hold the program");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

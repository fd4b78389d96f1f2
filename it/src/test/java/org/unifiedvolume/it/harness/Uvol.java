package org.unifiedvolume.it.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
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
        words.addAll(options(arguments[0].toString()));
        words.add("-cp");
        words.add(LIBRARIES + "/*");
        words.add("org.unifiedvolume.cli.Main");
        for (Object argument : arguments) {
            words.add(argument.toString());
        }
        return words;
    }

    /// The options of the launcher: its list `flags`, and the memory it gives to a verb.
    private static List<String> options(String verb) {
        String launcher;
        try {
            launcher = Files.readString(ROOT.resolve("uvol"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        List<String> options = new ArrayList<>();
        for (String list :
                List.of(
                        "(?m)^flags=\\(([^)]*)\\)",
                        "(?m)^ *%s\\) memory=\\(([^)]*)\\)"
                                .formatted(verb.equals("serve") ? "serve" : "\\*"))) {
            Matcher matcher = Pattern.compile(list).matcher(launcher);
            if (!matcher.find()) {
                throw new AssertionError("the launcher uvol has no " + list);
            }
            String words = matcher.group(1).replaceAll("(?m)(^|\\s)#.*$", "").strip();
            options.addAll(List.of(words.split("\\s+", -1)));
        }
        return options;
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

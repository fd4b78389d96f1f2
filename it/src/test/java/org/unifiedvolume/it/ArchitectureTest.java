package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.nio.file.Files;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.it.harness.Uvol;

/// Promise to those who read the code: the tables of modules and packages in
/// `docs/architecture.md` are true.
///
/// A package may know those that its row names, those that they may know, and `Invariant`.
class ArchitectureTest {
    private static final String ROOT = "org.unifiedvolume.";
    private static final Pattern CODE = Pattern.compile("`([a-z-]+)`");

    private static JavaClasses classes;
    private static String document;

    @BeforeAll
    static void read() throws IOException {
        classes =
                new ClassFileImporter()
                        .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                        .importPackages("org.unifiedvolume");
        document = Files.readString(Uvol.root().resolve("docs/architecture.md"));
    }

    /// The rows of the table below a heading: what stands in the first column, and in the last.
    private static Map<String, String> table(String heading) {
        int start = document.indexOf("\n## " + heading + "\n");
        assertFalse(start < 0, "docs/architecture.md has no " + heading);
        int end = document.indexOf("\n## ", start + 4);
        Map<String, String> rows = new LinkedHashMap<>();
        document.substring(start, end)
                .lines()
                .filter(line -> line.startsWith("| `"))
                .forEach(
                        line -> {
                            String[] cells = line.split("\\|", -1);
                            rows.put(cells[1], cells[cells.length - 2].strip());
                        });
        return rows;
    }

    private static List<String> codes(String cell) {
        Matcher matcher = CODE.matcher(cell);
        return matcher.results().map(result -> result.group(1)).toList();
    }

    /// The first part of a class's package below the root; empty for the root itself.
    private static String part(JavaClass type) {
        String name = type.getPackageName() + ".";
        return name.startsWith(ROOT) && name.length() > ROOT.length()
                ? name.substring(ROOT.length(), name.indexOf('.', ROOT.length()))
                : "";
    }

    /// The module that a part belongs to.
    private static String module(String part) {
        return switch (part) {
            case "raid", "targets" -> part;
            default -> "unified-volume";
        };
    }

    /// What each part knows of others, with one example each.
    private static Map<String, Map<String, String>> known() {
        Map<String, Map<String, String>> known = new TreeMap<>();
        for (JavaClass type : classes) {
            if (part(type).equals("it")) {
                continue;
            }
            Map<String, String> others = known.computeIfAbsent(part(type), _ -> new TreeMap<>());
            for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
                JavaClass target = dependency.getTargetClass().getBaseComponentType();
                boolean ours = (target.getPackageName() + ".").startsWith(ROOT);
                if (ours && !part(target).equals(part(type)) && !part(target).isEmpty()) {
                    others.putIfAbsent(part(target), dependency.getDescription());
                }
            }
        }
        return known;
    }

    @Test
    void modulesKnowOnlyThoseThatTheTableNames() {
        Map<String, Set<String>> allowed = new TreeMap<>();
        table("Modules")
                .forEach(
                        (name, knows) ->
                                allowed.put(codes(name).getFirst(), new HashSet<>(codes(knows))));
        assertEquals(
                Set.of("unified-volume", "raid", "targets", "dist", "it"),
                allowed.keySet(),
                "the table of modules");
        Set<String> wrong = new TreeSet<>();
        known().forEach(
                        (part, others) ->
                                others.forEach(
                                        (other, example) -> {
                                            String from = module(part);
                                            String to = module(other);
                                            if (!from.equals(to)
                                                    && !allowed.get(from).contains(to)) {
                                                wrong.add(from + " knows " + to + ": " + example);
                                            }
                                        }));
        assertEquals(Set.of(), wrong);
    }

    @Test
    void packagesOfTheCoreKnowOnlyThoseThatTheTableNames() {
        Map<String, Set<String>> named = new TreeMap<>();
        Set<String> knowAll = new TreeSet<>();
        table("Packages of the core")
                .forEach(
                        (names, knows) -> {
                            for (String name : codes(names)) {
                                named.put(name, new TreeSet<>(codes(knows)));
                                // What stands in one row is one layer.
                                named.get(name).addAll(codes(names));
                                if (knows.equals("everything")) {
                                    knowAll.add(name);
                                }
                            }
                        });
        Set<String> wrong = new TreeSet<>();
        known().forEach(
                        (part, others) -> {
                            if (part.isEmpty()
                                    || !module(part).equals("unified-volume")
                                    || knowAll.contains(part)) {
                                return;
                            }
                            if (!named.containsKey(part)) {
                                wrong.add("the table does not name the package " + part);
                                return;
                            }
                            Set<String> reachable = reachable(part, named);
                            others.forEach(
                                    (other, example) -> {
                                        if (!reachable.contains(other)) {
                                            wrong.add(part + " knows " + other + ": " + example);
                                        }
                                    });
                        });
        assertEquals(Set.of(), wrong, () -> String.join("\n", wrong));
    }

    private static Set<String> reachable(String part, Map<String, Set<String>> named) {
        Set<String> reached = new TreeSet<>();
        TreeSet<String> todo = new TreeSet<>(Set.of(part));
        while (!todo.isEmpty()) {
            String next = todo.pollFirst();
            if (reached.add(next)) {
                todo.addAll(named.getOrDefault(next, Set.of()));
            }
        }
        return reached;
    }

    @Test
    void everyPackageSaysWhatItIsFor() {
        Set<String> silent = new TreeSet<>();
        for (JavaClass type : classes) {
            String name = type.getPackageName();
            if (classes.stream()
                    .noneMatch(other -> other.getName().equals(name + ".package-info"))) {
                // A package-info without annotations leaves no class file: look at the source.
                String path = name.replace('.', '/') + "/package-info.java";
                boolean said =
                        List.of("unified-volume", "raid", "targets", "it").stream()
                                .anyMatch(
                                        module ->
                                                Files.exists(
                                                                Uvol.root()
                                                                        .resolve(module)
                                                                        .resolve("src/main/java")
                                                                        .resolve(path))
                                                        || Files.exists(
                                                                Uvol.root()
                                                                        .resolve(module)
                                                                        .resolve("src/test/java")
                                                                        .resolve(path)));
                if (!said) {
                    silent.add(name);
                }
            }
        }
        assertEquals(Set.of(), silent);
    }

    @Test
    void theTableOfPackagesNamesNoneThatIsGone() {
        Set<String> present = new TreeSet<>();
        classes.forEach(type -> present.add(part(type)));
        Set<String> gone = new TreeSet<>();
        table("Packages of the core").keySet().forEach(names -> gone.addAll(codes(names)));
        gone.removeAll(present);
        assertEquals(Set.of(), gone);
    }
}

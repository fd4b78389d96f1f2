package org.unifiedvolume.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.unifiedvolume.config.ConfigReader;
import org.unifiedvolume.service.Planner;
import org.unifiedvolume.service.Registry;
import org.unifiedvolume.service.Service;
import org.unifiedvolume.spi.Kinds;

/// Starts a small service, asks it this and that, and ends: run once after a build with
/// `-XX:AOTCacheOutput`, so that later starts find their classes prepared.
final class Training {
    private Training() {}

    public static void main(String[] arguments) throws Exception {
        Path folder = Files.createTempDirectory("uvol-training");
        try {
            serve(folder);
        } finally {
            delete(folder);
        }
    }

    private static void serve(Path folder) throws Exception {
        Registry registry = new Registry(folder.resolve("registry"));
        try (Service _ =
                        start(
                                folder.resolve("far"),
                                registry,
                                """
                                volumes:
                                  - name: far
                                    level: linear
                                    members: [./a.img?size=8MiB]
                                    exports: ['nbd+unix:///far?socket=../far.sock']
                                """);
                Service service =
                        start(
                                folder.resolve("near"),
                                registry,
                                """
                                volumes:
                                  - name: near
                                    level: raid0
                                    members:
                                      - ./a.img?size=8MiB
                                      - nbd+unix:///far?socket=../far.sock
                                    exports: ['nbd+unix:///near?socket=../near.sock']
                                  - name: mirror
                                    level: raid1
                                    members: [./b.img?size=8MiB, ./c.img?size=8MiB]
                                """)) {
            String state = service.stateFolder().toString();
            PrintWriter out = new PrintWriter(new StringWriter());
            for (List<String> line :
                    List.of(
                            List.of("status", "--state", state),
                            List.of("status", "--json", "--state", state),
                            List.of("iostat", "0.1", "--count", "1", "--state", state),
                            List.of("help"))) {
                Main.run(out, out, line.toArray(String[]::new));
            }
        }
    }

    private static Service start(Path home, Registry registry, String text) throws Exception {
        Path file = Files.createDirectories(home).resolve("uvol.yaml");
        Files.writeString(file, text);
        return Service.start(Planner.plan(ConfigReader.read(file), Kinds.find()), registry);
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}

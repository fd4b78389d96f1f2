package org.unifiedvolume.targets.nbd;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// Makes an authority and certificates for tests with `openssl`, under the names that NBD programs
/// expect.
public final class Certificates {
    private static final int PATIENCE_SECONDS = 30;

    private Certificates() {}

    /// Whether the program is there.
    public static boolean canBeMade() {
        try {
            run(Path.of("/"), "openssl", "version");
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /// Fills a folder with `ca-cert.pem`, `server-cert.pem`, `server-key.pem`, `client-cert.pem`
    /// and `client-key.pem`; the server is `localhost` and 127.0.0.1.
    public static void make(Path folder) throws IOException {
        Files.createDirectories(folder);
        run(
                folder,
                words(
                        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
                                + " -keyout ca-key.pem -out ca-cert.pem -days 2 -subj /CN=authority"));
        issue(folder, "server", "subjectAltName=DNS:localhost,IP:127.0.0.1");
        issue(folder, "client", "subjectAltName=DNS:client");
    }

    private static void issue(Path folder, String who, String extension) throws IOException {
        Files.writeString(folder.resolve(who + ".ext"), extension + "\n");
        run(
                folder,
                words(
                        "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
                                + " -keyout %1$s-key.pem -out %1$s.csr -subj /CN=%1$s"
                                        .formatted(who)));
        run(
                folder,
                words(
                        "openssl x509 -req -in %1$s.csr -CA ca-cert.pem -CAkey ca-key.pem"
                                        .formatted(who)
                                + " -CAcreateserial -days 2 -extfile %1$s.ext -out %1$s-cert.pem"
                                        .formatted(who)));
    }

    private static String[] words(String command) {
        return command.split(" ", -1);
    }

    private static void run(Path folder, String... command) throws IOException {
        Process process =
                new ProcessBuilder(command)
                        .directory(folder.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start();
        try {
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
                process.destroyForcibly();
                throw new IOException("failed: " + List.of(command));
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }
}

package org.unifiedvolume.it.harness;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Folders of certificates, made by GnuTLS's certtool as the manuals of nbdkit and QEMU have it.
public final class Certificates {
    private static final String SERVER =
            """
            organization = "uvol test"
            cn = "localhost"
            dns_name = "localhost"
            ip_address = "127.0.0.1"
            tls_www_server
            encryption_key
            signing_key
            """;
    private static final String CLIENT =
            """
            organization = "uvol test"
            cn = "client"
            tls_www_client
            encryption_key
            signing_key
            """;

    private Certificates() {}

    /// Fills a folder with the certificates and keys of an authority, a server and a client.
    public static Path make(Path folder) throws IOException {
        key(folder, "ca", "--key-type=ecdsa");
        Path caInfo =
                Files.writeString(
                        folder.resolve("ca.info"),
                        "cn = \"%s\"%nca%ncert_signing_key%n".formatted(folder.getFileName()));
        Command.of(
                        "certtool",
                        "--generate-self-signed",
                        "--load-privkey",
                        folder.resolve("ca-key.pem"),
                        "--template",
                        caInfo,
                        "--outfile",
                        folder.resolve("ca-cert.pem"))
                .run()
                .succeeds();
        signed(folder, "server", SERVER, "--key-type=rsa", "--bits=2048");
        signed(folder, "client", CLIENT, "--key-type=ecdsa");
        return folder;
    }

    /// Keys as certtool writes them unless it is told otherwise.
    private static void key(Path folder, String owner, String... options) {
        List<Object> words = new ArrayList<>(List.of("--generate-privkey"));
        words.addAll(List.of(options));
        words.addAll(List.of("--outfile", folder.resolve(owner + "-key.pem")));
        Command.of("certtool", words.toArray()).run().succeeds();
    }

    private static void signed(Path folder, String owner, String template, String... options)
            throws IOException {
        key(folder, owner, options);
        Path info = Files.writeString(folder.resolve(owner + ".info"), template);
        Command.of(
                        "certtool",
                        "--generate-certificate",
                        "--load-ca-certificate",
                        folder.resolve("ca-cert.pem"),
                        "--load-ca-privkey",
                        folder.resolve("ca-key.pem"),
                        "--load-privkey",
                        folder.resolve(owner + "-key.pem"),
                        "--template",
                        info,
                        "--outfile",
                        folder.resolve(owner + "-cert.pem"))
                .run()
                .succeeds();
    }

    /// A folder with the authority's certificate alone: a client that cannot prove who it is.
    public static Path withoutClient(Lab lab, Path certificates, String name) throws IOException {
        Path folder = lab.newFolder(name);
        Files.copy(certificates.resolve("ca-cert.pem"), folder.resolve("ca-cert.pem"));
        return folder;
    }
}

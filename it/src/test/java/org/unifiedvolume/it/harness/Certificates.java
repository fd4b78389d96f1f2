package org.unifiedvolume.it.harness;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Folders of certificates, made by GnuTLS's certtool as the manuals of nbdkit and QEMU have it.
public final class Certificates {
    private static final String CA =
            """
            cn = "%s"
            ca
            cert_signing_key
            """;
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

    /// Makes a folder with the certificates and keys of an authority, a server and a client.
    public static Path make(Lab lab, String name) throws IOException {
        Path folder = lab.newFolder(name);
        key(folder, "ca");
        Path caInfo = Files.writeString(folder.resolve("ca.info"), CA.formatted(name));
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
        signed(folder, "server", SERVER);
        signed(folder, "client", CLIENT);
        return folder;
    }

    private static void key(Path folder, String owner) {
        Command.of(
                        "certtool",
                        "--generate-privkey",
                        "--key-type=ecdsa",
                        "--sec-param=high",
                        "--pkcs8",
                        "--empty-password",
                        "--outfile",
                        folder.resolve(owner + "-key.pem"))
                .run()
                .succeeds();
    }

    private static void signed(Path folder, String owner, String template) throws IOException {
        key(folder, owner);
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

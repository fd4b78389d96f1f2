package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.it.harness.Certificates;
import org.unifiedvolume.it.harness.Command;
import org.unifiedvolume.it.harness.Daemon;
import org.unifiedvolume.it.harness.Lab;
import org.unifiedvolume.it.harness.Nbd;
import org.unifiedvolume.it.harness.NbdClient;
import org.unifiedvolume.it.harness.ServiceFile;

/// Promise: streams are encrypted where the user asks for it, in both directions, and whoever
/// cannot prove who they are is refused with a message.
class TlsTest {
    private static final long SIZE = 32L << 20;

    @RegisterExtension final Lab lab = new Lab();

    private static final Pattern REFUSED = Pattern.compile("TLS.*certificate_required");

    /// The authority that both sides trust, and another one.
    @TempDir private static Path certificates;

    @TempDir private static Path others;

    private int port;

    @BeforeAll
    static void makeCertificates() throws IOException {
        Certificates.make(certificates);
        Certificates.make(others);
    }

    @BeforeEach
    void takePort() throws IOException {
        port = lab.port();
    }

    @Nested
    class AsAServer {
        private Daemon serve(String options) throws IOException {
            return lab.serve(
                    ServiceFile.of(
                            "media",
                            "linear",
                            List.of(lab.sparse("a.img", SIZE)),
                            List.of(
                                    "nbds://127.0.0.1:%d/media?tls-certificates=%s%s"
                                            .formatted(port, certificates, options))));
        }

        private String uri(Path folder) {
            return "nbds://127.0.0.1:%d/media?tls-certificates=%s".formatted(port, folder);
        }

        @Test
        void itServesClientsThatItVerifies() throws IOException {
            Daemon daemon = serve("&tls-verify-peer=true");
            Path image = lab.image("image", SIZE, 51);

            assertTrue(
                    Command.of("nbdinfo", "--json", uri(certificates))
                            .run()
                            .succeeds()
                            .json()
                            .path("TLS")
                            .asBoolean());
            Nbd.copy(image, uri(certificates), "--connections=4", "--flush");
            Nbd.copy(uri(certificates), lab.sparse("back", SIZE), "--connections=4");
            Nbd.assertSame(image, lab.path("back"));
            daemon.terminate();
        }

        @Test
        void itServesQemu() throws IOException {
            serve("&tls-verify-peer=true");
            Path image = lab.image("image", SIZE, 52);
            Command.of(
                            "qemu-img",
                            "convert",
                            "-n",
                            "--object",
                            "tls-creds-x509,id=tls0,endpoint=client,dir=" + certificates,
                            "--target-image-opts",
                            "-f",
                            "raw",
                            image,
                            "driver=nbd,host=127.0.0.1,port=%d,export=media,tls-creds=tls0"
                                    .formatted(port))
                    .run()
                    .succeeds();
            Nbd.copy(uri(certificates), lab.sparse("back", SIZE));
            Nbd.assertSame(image, lab.path("back"));
        }

        @Test
        void itRefusesAClientWithoutACertificateAndSaysSo() throws IOException {
            Daemon daemon = serve("&tls-verify-peer=true");
            Path nobody = Certificates.withoutClient(lab, certificates, "nobody");

            Command.of("nbdinfo", "--size", uri(nobody)).run().fails();

            Command.of("nbdinfo", "--size", uri(certificates)).run().succeeds();
            assertTrue(REFUSED.matcher(daemon.log()).find(), daemon::log);
            daemon.checkLog();
        }

        @Test
        void itRefusesACertificateOfAnotherAuthority() throws IOException {
            Daemon daemon = serve("&tls-verify-peer=true");
            // The server is trusted, but the client proves itself by the wrong authority.
            Path mixed = Certificates.withoutClient(lab, certificates, "mixed");
            for (String file : List.of("client-cert.pem", "client-key.pem")) {
                Files.copy(others.resolve(file), mixed.resolve(file));
            }

            Command.of("nbdinfo", "--size", uri(mixed)).run().fails();

            Command.of("nbdinfo", "--size", uri(certificates)).run().succeeds();
            assertTrue(REFUSED.matcher(daemon.log()).find(), daemon::log);
        }

        @Test
        void itTellsAPlainClientThatTlsIsNeeded() throws IOException {
            serve("");

            Command.of("nbdinfo", "--size", Nbd.uri(port, "media")).run().fails().says("TLS");
            Nbd.tryIo(Nbd.uri(port, "media"), "read 0 512").fails().says("TLS");
            Command.of("nbdinfo", "--size", uri(certificates)).run().succeeds();
        }

        @Test
        void itOffersTlsToThoseWhoWantItOnAPlainPort() throws IOException {
            lab.serve(
                    ServiceFile.of(
                            "media",
                            "linear",
                            List.of(lab.sparse("a.img", SIZE)),
                            List.of(
                                    "nbd://127.0.0.1:%d/media?tls-certificates=%s"
                                            .formatted(port, certificates))));

            Command.of("nbdinfo", "--size", Nbd.uri(port, "media")).run().succeeds();
            Command.of("nbdinfo", "--size", uri(certificates)).run().succeeds();
        }

        @Test
        void itOutlivesClientsThatTalkNonsenseInsteadOfTls() throws IOException {
            Daemon daemon = serve("");
            for (int i = 0; i < 5; i++) {
                try (NbdClient client = NbdClient.silent(port)) {
                    // The client's flags, then IHAVEOPT, NBD_OPT_STARTTLS, no data.
                    client.sendRaw(
                            HexFormat.of().parseHex("0000000349484156454f50540000000500000000"));
                    client.sendRaw(
                            "GET / HTTP/1.1\r\n\r\n"
                                    .repeat(50)
                                    .getBytes(StandardCharsets.US_ASCII));
                    assertTrue(client.isClosedByServer());
                }
            }
            Command.of("nbdinfo", "--size", uri(certificates)).run().succeeds();
            daemon.checkLog();
        }
    }

    @Nested
    class AsAClient {
        private int remote;

        private void nbdkit(String... more) throws IOException {
            remote = lab.port();
            List<Object> words = new ArrayList<>();
            words.addAll(List.of("--tls=require", "--tls-certificates=" + certificates));
            words.addAll(List.of(more));
            words.addAll(List.of("memory", "size=" + SIZE));
            lab.nbdkit(remote, words.toArray());
        }

        private Path describe(String scheme, String options) throws IOException {
            return lab.write(
                    ServiceFile.of(
                            "media",
                            "linear",
                            List.of("%s://127.0.0.1:%d/%s".formatted(scheme, remote, options)),
                            List.of(Nbd.uri(port, "media"))));
        }

        @Test
        void itUsesAServerThatVerifiesIt() throws IOException {
            nbdkit("--tls-verify-peer");
            lab.serve(describe("nbds", "?tls-certificates=" + certificates));
            Path image = lab.image("image", SIZE, 53);

            Nbd.copy(image, Nbd.uri(port, "media"), "--connections=4", "--flush");

            Nbd.assertSame(image, Nbd.uri(port, "media"));
        }

        @Test
        void itSaysThatTheServerWantsTls() throws IOException {
            nbdkit();

            lab.refuses(describe("nbd", "")).exits(1).says("TLS", "nbds");
        }

        @Test
        void itDoesNotTrustAServerOfAnotherAuthority() throws IOException {
            nbdkit();

            lab.refuses(describe("nbds", "?tls-certificates=" + others))
                    .exits(1)
                    .says("certificate", "127.0.0.1:" + remote);
        }

        @Test
        void itDoesNotTrustAServerOfAnotherName() throws IOException {
            nbdkit();

            lab.refuses(
                            describe(
                                    "nbds",
                                    "?tls-hostname=elsewhere.example&tls-certificates="
                                            + certificates))
                    .exits(1)
                    .says("elsewhere.example");
        }

        @Test
        void itNamesTheFileThatIsMissing() throws IOException {
            nbdkit();

            lab.refuses(describe("nbds", "?tls-certificates=" + lab.path("nowhere")))
                    .exits(1)
                    .says(lab.path("nowhere/ca-cert.pem").toString());
        }

        @Test
        void itIsRefusedWithoutACertificateAndSaysSo() throws IOException {
            nbdkit("--tls-verify-peer");
            Path nobody = Certificates.withoutClient(lab, certificates, "nobody");

            lab.refuses(describe("nbds", "?tls-certificates=" + nobody))
                    .exits(1)
                    .says("127.0.0.1:" + remote);
        }
    }
}

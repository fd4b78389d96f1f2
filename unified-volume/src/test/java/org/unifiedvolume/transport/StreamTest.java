package org.unifiedvolume.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.testkit.TestProcess;

/// Both transports keep the contract of streams; those of Netty can also be encrypted.
final class StreamTest {
    @TempDir private Path folder;

    @Nested
    final class OverTcp extends StreamContract {
        @Override
        Transport transport() {
            return new SocketTransport(process.loops(), process.pool());
        }

        @Override
        void closeTransport() {
            // its loops are the process's
        }
    }

    @Nested
    final class OverAUnixSocket extends StreamContract {
        @Override
        Transport transport() {
            return new SocketTransport(process.loops(), process.pool());
        }

        @Override
        SocketAddress address() {
            return UnixDomainSocketAddress.of(folder.resolve("s"));
        }

        @Override
        void closeTransport() {
            // its loops are the process's
        }

        /// The kernel reports a peer that is gone again and again, also to one who does not read.
        @Test
        void aPeerThatGoesWhileNobodyReadsIsNoticed() throws Exception {
            Session client = dial();
            Session server = other(client);
            onLoop(server, server.stream::pauseReading);
            onLoop(client, () -> client.stream.close("for this test"));
            assertEquals("the peer closed the connection", server.closed.get(20, TimeUnit.SECONDS));
        }
    }

    @Nested
    final class OverNetty extends StreamContract {
        private NettyTransport netty;

        @Override
        Transport transport() {
            netty = new NettyTransport(2, process.pool());
            return netty;
        }

        @Override
        void closeTransport() {
            netty.close();
        }

        @Test
        void encryptsFromAMomentOn() throws Exception {
            makeCertificates();
            Session client = dial();
            Session server = other(client);
            send(client, 0, 1000);
            TestProcess.await("plain bytes are there", () -> server.received.get() == 1000);
            startTls(client, server, TlsSettings.ofClient(folder, "localhost", true));
            send(client, 1000, 3 << 20);
            TestProcess.await("all is there", () -> server.received.get() == 1000 + (3 << 20));
            send(server, 0, 100_000);
            TestProcess.await("the answer is there", () -> client.received.get() == 100_000);
        }

        @Test
        void aServerOfAnotherNameIsRefused() throws Exception {
            makeCertificates();
            Session client = dial();
            Session server = other(client);
            startTls(client, server, TlsSettings.ofClient(folder, "elsewhere", true));
            send(client, 0, 1000);
            String reason = client.closed.get(20, TimeUnit.SECONDS);
            assertTrue(reason.contains("elsewhere"), reason);
            server.closed.get(20, TimeUnit.SECONDS);
            assertEquals(0, server.received.get());
        }

        @Test
        void missingCertificatesAreNamed() throws Exception {
            Session client = dial();
            onLoop(
                    client,
                    () -> {
                        IOException thrown =
                                assertThrows(
                                        IOException.class,
                                        () ->
                                                client.stream.startTls(
                                                        TlsSettings.ofServer(folder, false),
                                                        false));
                        assertTrue(
                                thrown.getMessage().contains(folder + "/ca-cert.pem"),
                                thrown.getMessage());
                    });
        }

        private void startTls(Session client, Session server, TlsSettings settings)
                throws Exception {
            onLoop(server, () -> encrypt(server, TlsSettings.ofServer(folder, false), false));
            onLoop(client, () -> encrypt(client, settings, true));
        }

        private static void encrypt(Session session, TlsSettings settings, boolean asClient) {
            try {
                session.stream.startTls(settings, asClient);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }

        private void makeCertificates() throws Exception {
            run(
                    "openssl",
                    "req",
                    "-x509",
                    "-newkey",
                    "rsa:2048",
                    "-nodes",
                    "-days",
                    "2",
                    "-subj",
                    "/CN=localhost",
                    "-addext",
                    "subjectAltName=DNS:localhost",
                    "-keyout",
                    folder.resolve("server-key.pem").toString(),
                    "-out",
                    folder.resolve("server-cert.pem").toString());
            java.nio.file.Files.copy(
                    folder.resolve("server-cert.pem"), folder.resolve("ca-cert.pem"));
        }

        private static void run(String... command) throws Exception {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            byte[] output = process.getInputStream().readAllBytes();
            assertEquals(
                    0,
                    process.waitFor(),
                    new String(output, java.nio.charset.StandardCharsets.UTF_8));
        }
    }
}

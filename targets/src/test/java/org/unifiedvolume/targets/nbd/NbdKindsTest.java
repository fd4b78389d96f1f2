package org.unifiedvolume.targets.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.spi.Export;
import org.unifiedvolume.spi.ExportPlan;
import org.unifiedvolume.spi.Kinds;
import org.unifiedvolume.spi.MemberPlan;
import org.unifiedvolume.spi.Scanner.Offer;
import org.unifiedvolume.targets.nbd.export.NbdExportKind;
import org.unifiedvolume.targets.nbd.member.NbdKind;
import org.unifiedvolume.targets.nbd.member.NbdScanner;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.volume.Volume;

/// What users write about NBD members and exports, and what `scan` tells them.
class NbdKindsTest {
    private static final int SIZE_BYTES = 1 << 20;

    @Nested
    class AMembersUri {
        private static MemberPlan plan(String uri) throws ConfigFault {
            return new NbdKind().plan(NbdHost.uri(uri));
        }

        @Test
        void hasDefaultsForEverything() throws ConfigFault {
            MemberPlan plan = plan("nbd://host/a");
            assertEquals("nbd://host/a", plan.name());
            assertEquals(Locality.REMOTE, plan.locality());
            assertEquals(64, plan.depth());
            assertEquals(30_000_000_000L, plan.deadlineNanos());
        }

        @Test
        void namesTheSameDeviceWhateverItsOptions() throws ConfigFault {
            Object identity = plan("nbd://host/a").identity();
            assertEquals(identity, plan("nbd://host:10809/a?depth=3&deadline=1s").identity());
            assertNotEquals(identity, plan("nbd://host/b").identity());
            assertNotEquals(identity, plan("nbd://host:1/a").identity());
        }

        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                value = {
                    "nbd://h/a?depth=0 | has depth=0; write a number from 1 to 4096",
                    "nbd://h/a?connections=65 | has connections=65; write a number from 1 to 64",
                    "nbd://h/a?deadline=0s | has a limit of no time; write a duration such as 30s",
                    "nbd://h/a?readonly=yes | has readonly=yes; write true or false",
                    "nbd://h/a?tls-hostname=x | has TLS options without TLS; write nbds instead of nbd"
                })
        void isRefusedWithTheRemedy(String uri, String expected) {
            String message = assertThrows(ConfigFault.class, () -> plan(uri)).getMessage();
            assertEquals("command line: %s %s".formatted(uri, expected), message);
        }

        @Test
        void withAnUnknownOptionIsToldTheKnownOnes() {
            String message =
                    assertThrows(ConfigFault.class, () -> plan("nbd://h/a?dept=3")).getMessage();
            assertTrue(message.contains("has an unknown option \"dept\"; "), message);
            for (String key :
                    List.of(
                            "known ones are ",
                            "connect",
                            "connections",
                            "deadline",
                            "depth",
                            "readonly",
                            "replay")) {
                assertTrue(message.contains(key), message);
            }
        }
    }

    @Nested
    class AnExportsUri {
        private final NbdHost host = new NbdHost();
        private final MemoryDevice memory = new MemoryDevice(SIZE_BYTES, Locality.LOCAL, host.io());
        private final Volume volume = host.volume("media", memory);
        private final NbdExportKind kind = new NbdExportKind();

        private ExportPlan plan(String uri) throws ConfigFault {
            return kind.plan(NbdHost.uri(uri));
        }

        @AfterEach
        void nothingIsLeftBehind() {
            host.close();
        }

        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                value = {
                    "nbds://h/a | needs a certificate; add ?tls-certificates=/folder with ca-cert.pem, server-cert.pem and server-key.pem",
                    "nbd://h/a?tls-verify-peer=true | verifies clients without TLS; write nbds and tls-certificates",
                    "nbd://h/a?connections=0 | has connections=0; write a number from 1 to 1000000"
                })
        void isRefusedWithTheRemedy(String uri, String expected) {
            String message = assertThrows(ConfigFault.class, () -> plan(uri)).getMessage();
            assertEquals("command line: %s %s".formatted(uri, expected), message);
        }

        @Test
        void isCompletedWithThePortThatWasChosen() throws Exception {
            try (Export export = plan("nbd://127.0.0.1:0/a b").open(volume, host.context())) {
                assertTrue(
                        export.uri().matches("nbd://127\\.0\\.0\\.1:[0-9]+/a%20b"), export.uri());
                BlockDevice device =
                        new NbdKind().plan(NbdHost.uri(export.uri())).open(host.context());
                assertEquals(SIZE_BYTES, device.shape().sizeBytes());
                device.close();
            }
        }

        @Test
        void sharesItsServerWithTheOthersOnTheAddress() throws Exception {
            Export first = plan("nbd://127.0.0.1:0/one").open(volume, host.context());
            String second = first.uri().replace("/one", "/two?readonly=true");
            Export other = plan(second).open(volume, host.context());
            String all = first.uri().replace("/one", "");
            List<Offer> offers = new NbdScanner().scan(NbdHost.uri(all), host.context());
            assertEquals(
                    List.of(first.uri(), other.uri()), offers.stream().map(Offer::uri).toList());
            assertEquals(List.of(false, true), offers.stream().map(Offer::readOnly).toList());
            assertEquals("volume media", offers.getFirst().description());
            assertEquals(SIZE_BYTES, offers.getFirst().sizeBytes());

            String again = second;
            String message =
                    assertThrows(IOException.class, () -> plan(again).open(volume, host.context()))
                            .getMessage();
            assertTrue(message.contains("an export named \"two\" already"), message);

            first.close();
            offers = new NbdScanner().scan(NbdHost.uri(all), host.context());
            assertEquals(List.of(other.uri()), offers.stream().map(Offer::uri).toList());
            other.close();
            String gone =
                    assertThrows(
                                    IOException.class,
                                    () -> new NbdScanner().scan(NbdHost.uri(all), host.context()))
                            .getMessage();
            assertTrue(gone.contains("check the address and that an NBD server runs there"), gone);
        }

        @Test
        void onAUnixSocketLeavesNoSocketBehind(@TempDir Path folder) throws Exception {
            Path socket = folder.resolve("nbd.sock");
            String uri = "nbd+unix:///a?socket=" + socket;
            try (Export export = plan(uri).open(volume, host.context())) {
                assertEquals(uri, export.uri());
                BlockDevice device = new NbdKind().plan(NbdHost.uri(uri)).open(host.context());
                assertEquals(SIZE_BYTES, device.shape().sizeBytes());
                device.close();
            }
            assertTrue(Files.notExists(socket));
        }

        @Test
        void onAnAddressInUseIsRefusedByName() throws Exception {
            try (Export export = plan("nbd://127.0.0.1:0/a").open(volume, host.context())) {
                String message =
                        assertThrows(
                                        IOException.class,
                                        () ->
                                                new NbdExportKind()
                                                        .plan(NbdHost.uri(export.uri()))
                                                        .open(volume, host.context()))
                                .getMessage();
                assertTrue(message.contains("127.0.0.1"), message);
                assertTrue(message.contains("in use"), message);
            }
        }

        @Test
        void withOtherTlsThanItsNeighboursIsRefused() throws Exception {
            try (Export export = plan("nbd://127.0.0.1:0/a").open(volume, host.context())) {
                String other = export.uri().replace("/a", "/b?tls-certificates=/nowhere");
                String message =
                        assertThrows(
                                        IOException.class,
                                        () -> plan(other).open(volume, host.context()))
                                .getMessage();
                assertTrue(message.contains("has other TLS options; give both the same"), message);
            }
        }
    }

    @Nested
    class AScan {
        private final NbdHost host = new NbdHost();

        @AfterEach
        void nothingIsLeftBehind() {
            host.close();
        }

        private List<Offer> scan(int port, String name) throws Exception {
            String uri = "nbd://127.0.0.1:%d/%s".formatted(port, name);
            return new NbdScanner().scan(NbdHost.uri(uri), host.context());
        }

        @Test
        void asksAboutOneExportByName() throws Exception {
            RawServer.Claims claims = RawServer.Claims.of(12345, 1);
            try (RawServer server = RawServer.honest(claims, new byte[0])) {
                List<Offer> offers = scan(server.port(), "x");
                String uri = "nbd://127.0.0.1:%d/x".formatted(server.port());
                assertEquals(List.of(new Offer(uri, 12345, false, "")), offers);
            }
        }

        @Test
        void saysWhyThereIsNoAnswer() throws Exception {
            try (RawServer server = new RawServer(_ -> {})) {
                String message =
                        assertThrows(IOException.class, () -> scan(server.port(), "")).getMessage();
                assertEquals(
                        "127.0.0.1:%d: the peer closed the connection; check the address and that"
                                        .formatted(server.port())
                                + " an NBD server runs there",
                        message);
            }
        }

        @Test
        void saysThatAServerDoesNotList() throws Exception {
            RawServer.Claims claims = RawServer.Claims.of(12345, 1);
            try (RawServer server = RawServer.honest(claims, new byte[0])) {
                String message =
                        assertThrows(IOException.class, () -> scan(server.port(), "")).getMessage();
                assertTrue(message.contains("the server does not list its exports"), message);
            }
        }
    }

    @Test
    void allKindsAreFoundByTheirSchemes() throws Exception {
        Kinds kinds = Kinds.find();
        for (String scheme : List.of("nbd://h/a", "nbds://h/a", "nbd+unix:///a?socket=/x")) {
            assertEquals(scheme, kinds.member(NbdHost.uri(scheme)).name());
        }
        assertEquals("nbd://h/a", kinds.export(NbdHost.uri("nbd://h/a")).name());
        assertTrue(kinds.scanner(NbdHost.uri("nbd://h")) instanceof NbdScanner);
    }
}

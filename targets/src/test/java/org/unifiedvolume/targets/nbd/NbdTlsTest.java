package org.unifiedvolume.targets.nbd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.targets.nbd.export.NbdExport;
import org.unifiedvolume.targets.nbd.export.NbdLimits;
import org.unifiedvolume.targets.nbd.export.NbdServer;
import org.unifiedvolume.targets.nbd.export.NbdTls;
import org.unifiedvolume.targets.nbd.member.NbdKind;
import org.unifiedvolume.targets.nbd.member.NbdScanner;
import org.unifiedvolume.targets.nbd.wire.Nbd;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.transport.TlsSettings;

/// Both sides over TLS, with certificates made for the occasion.
class NbdTlsTest {
    private static final int SIZE_BYTES = 8 << 20;

    @TempDir static Path folder;

    private final NbdHost host = new NbdHost();
    private final List<BlockDevice> devices = new ArrayList<>();
    private MemoryDevice memory;
    private GateDevice gate;
    private NbdServer server;

    @BeforeAll
    static void certificates() throws IOException {
        assumeTrue(Certificates.canBeMade(), "openssl is missing: apt-get install openssl");
        Certificates.make(folder.resolve("ours"));
        Certificates.make(folder.resolve("strangers"));
        Path bare = Files.createDirectories(folder.resolve("bare"));
        Files.copy(folder.resolve("ours/ca-cert.pem"), bare.resolve("ca-cert.pem"));
    }

    @BeforeEach
    void device() {
        memory = new MemoryDevice(SIZE_BYTES, Locality.LOCAL, host.io());
        gate = new GateDevice(memory);
    }

    private void serve(boolean required, boolean verifiesClients) throws IOException {
        TlsSettings settings = TlsSettings.ofServer(folder.resolve("ours"), verifiesClients);
        server = host.listen(NbdLimits.DEFAULT, new NbdTls(settings, required));
        server.add(new NbdExport("disk", host.volume("media", gate), false));
    }

    private String uri(String scheme, String hostName, String options) {
        return "%s://%s:%d/disk?deadline=5s&connect=20s&connections=2%s"
                .formatted(scheme, hostName, NbdHost.port(server), options);
    }

    private BlockDevice open(String uri) throws Exception {
        BlockDevice device = new NbdKind().plan(NbdHost.uri(uri)).open(host.context());
        devices.add(device);
        return device;
    }

    private BlockDevice open() throws Exception {
        return open(uri("nbds", "localhost", certificates("ours")));
    }

    private static String certificates(String name) {
        return "&tls-certificates=" + folder.resolve(name);
    }

    private String refusal(String uri) {
        return assertThrows(IOException.class, () -> open(uri)).getMessage();
    }

    private Outcome call(BlockDevice device, IoRequest request) throws Exception {
        CompletableFuture<Outcome> answer = new CompletableFuture<>();
        device.submit(request, (_, outcome) -> answer.complete(outcome));
        return answer.get(NbdHost.PATIENCE_NANOS, TimeUnit.NANOSECONDS);
    }

    private IoTag tag(Operation operation, long offset, long length) {
        long id = host.io().ids().next();
        return new IoTag(id, 0, operation, Locality.REMOTE, offset, length, 0, 0);
    }

    private void write(BlockDevice device, long offset, byte[] bytes) throws Exception {
        MemorySegment source = Arena.ofAuto().allocate(bytes.length);
        source.copyFrom(MemorySegment.ofArray(bytes));
        IoTag tag = tag(Operation.WRITE, offset, bytes.length);
        Outcome outcome =
                call(
                        device,
                        new IoRequest.Write(
                                tag, offset, Buffers.outsidePool(source), Durability.VOLATILE));
        assertEquals(Outcome.Done.DONE, outcome);
    }

    private byte[] read(BlockDevice device, long offset, int length) throws Exception {
        IoTag tag = tag(Operation.READ, offset, length);
        Outcome outcome = call(device, new IoRequest.Read(tag, offset, length));
        if (outcome instanceof Outcome.Data(Buffers buffers)) {
            byte[] bytes = buffers.toBytes();
            buffers.release();
            return bytes;
        }
        throw new AssertionError(outcome);
    }

    @AfterEach
    void nothingIsLeftBehind() {
        gate.letGo();
        for (BlockDevice device : devices) {
            device.close();
        }
        if (server != null) {
            NbdHost.await("all clients are gone", () -> server.connectionCount() == 0);
            server.close();
        }
        host.close();
    }

    @Test
    void bytesArriveAsTheyWereSent() throws Exception {
        serve(true, false);
        BlockDevice device = open();
        byte[] bytes = new byte[3 << 20];
        new Random(7).nextBytes(bytes);
        for (int round = 0; round < 3; round++) {
            write(device, 1000 + round, bytes);
            assertArrayEquals(bytes, read(device, 1000 + round, bytes.length));
        }
        byte[] stored = memory.content().asSlice(1002, bytes.length).toArray(ValueLayout.JAVA_BYTE);
        assertArrayEquals(bytes, stored);
    }

    @Test
    void payloadsForDirectIoArriveWithoutDelay() throws Exception {
        DeviceShape plain = DeviceShape.ofMemory(SIZE_BYTES);
        memory =
                new MemoryDevice(
                        new DeviceShape(
                                SIZE_BYTES,
                                1,
                                4096,
                                plain.maxTransferBytes(),
                                4096,
                                plain.abilities()),
                        Locality.LOCAL,
                        host.io());
        gate = new GateDevice(memory);
        serve(true, false);
        BlockDevice device = open();
        byte[] bytes = new byte[8192];
        new Random(7).nextBytes(bytes);
        write(device, 0, bytes);
        long best = Long.MAX_VALUE;
        int count = 200;
        for (int i = 0; i < count; i++) {
            long start = System.nanoTime();
            write(device, i * 8192L, bytes);
            best = Math.min(best, System.nanoTime() - start);
        }
        assertArrayEquals(bytes, read(device, 8192L * (count - 1), 8192));
        // A stream that takes a full inbox for a spent pool waits 5 ms at each header.
        assertTrue(best < 4_000_000, "the quickest write took %d µs".formatted(best / 1000));
    }

    @Test
    void aClientWithACertificateIsLetIn() throws Exception {
        serve(true, true);
        assertArrayEquals(new byte[100], read(open(), 0, 100));
    }

    @Test
    void aClientWithoutCertificateIsRefusedReadably() throws Exception {
        serve(true, true);
        String message = refusal(uri("nbds", "localhost", certificates("bare")));
        assertTrue(message.contains("certificate_required"), message);
    }

    @Test
    void aClientWithAStrangersCertificateIsRefusedReadably() throws Exception {
        serve(true, true);
        Path mixed = Files.createDirectories(folder.resolve("mixed"));
        for (String name : List.of("client-cert.pem", "client-key.pem")) {
            Files.write(
                    mixed.resolve(name),
                    Files.readAllBytes(folder.resolve("strangers").resolve(name)));
        }
        Files.write(
                mixed.resolve("ca-cert.pem"),
                Files.readAllBytes(folder.resolve("ours/ca-cert.pem")));
        String message = refusal(uri("nbds", "localhost", certificates("mixed")));
        assertTrue(
                message.contains("certificate_unknown") || message.contains("unknown_ca"), message);
    }

    @Test
    void aServerWithAStrangersCertificateIsNotTrusted() throws Exception {
        serve(true, false);
        String message = refusal(uri("nbds", "localhost", certificates("strangers")));
        assertTrue(message.contains("the TLS handshake failed"), message);
    }

    @Test
    void aServerOfAnotherNameIsNotTrustedUnlessThatIsWanted() throws Exception {
        serve(true, false);
        String other = certificates("ours") + "&tls-hostname=elsewhere";
        String message = refusal(uri("nbds", "localhost", other));
        assertTrue(message.contains("elsewhere"), message);
        String trusting = other + "&tls-verify-peer=false";
        assertArrayEquals(new byte[9], read(open(uri("nbds", "localhost", trusting)), 0, 9));
        String byAddress = uri("nbds", "127.0.0.1", certificates("ours"));
        assertArrayEquals(new byte[9], read(open(byAddress), 0, 9));
    }

    @Test
    void aPlainClientIsToldWhatToDo() throws Exception {
        serve(true, false);
        String message = refusal(uri("nbd", "localhost", ""));
        assertTrue(message.contains("the server wants TLS; write nbds://"), message);
    }

    @Test
    void everyOptionButAbortNeedsTlsWhereItIsRequired() throws Exception {
        serve(true, false);
        try (RawClient client = RawClient.greeted(NbdHost.port(server))) {
            for (int option = 3; option < 14; option++) {
                if (option != Nbd.OPT_STARTTLS) {
                    RawClient.OptionReply reply = client.ask(option, new byte[0]).getLast();
                    assertEquals(Nbd.REP_ERR_TLS_REQD, reply.type());
                    assertEquals("this server wants TLS", reply.text());
                }
            }
            assertEquals(Nbd.REP_ACK, client.ask(Nbd.OPT_ABORT, new byte[0]).getLast().type());
            assertTrue(client.isClosedByServer());
        }
        try (RawClient client = RawClient.greeted(NbdHost.port(server))) {
            client.option(Nbd.OPT_EXPORT_NAME, new byte[] {'d', 'i', 's', 'k'});
            assertTrue(client.isClosedByServer());
        }
    }

    @Test
    void plainClientsMayStayWhereItIsOnlyOffered() throws Exception {
        serve(false, false);
        assertArrayEquals(new byte[9], read(open(uri("nbd", "localhost", "")), 0, 9));
        assertArrayEquals(new byte[9], read(open(), 0, 9));
    }

    @Test
    void bytesAheadOfTheTlsHandshakeAreNotTrusted() throws Exception {
        serve(false, false);
        try (RawClient client = RawClient.greeted(NbdHost.port(server))) {
            byte[] start =
                    java.nio.ByteBuffer.allocate(32)
                            .putLong(Nbd.IHAVEOPT)
                            .putInt(Nbd.OPT_STARTTLS)
                            .putInt(0)
                            .putLong(Nbd.IHAVEOPT)
                            .putInt(Nbd.OPT_LIST)
                            .putInt(0)
                            .array();
            client.send(start);
            assertEquals(Nbd.REP_ACK, client.readOptionReply().type());
            assertTrue(client.isClosedByServer());
        }
    }

    @Test
    void aPlainServerIsNotUsedForAnEncryptedMember() throws Exception {
        server = host.listen(NbdLimits.DEFAULT, null);
        server.add(new NbdExport("disk", host.volume("media", gate), false));
        String message = refusal(uri("nbds", "localhost", certificates("ours")));
        assertTrue(
                message.contains("the server does not offer TLS: the server's policy forbids it"),
                message);
    }

    @Test
    void missingFilesAreNamed() throws Exception {
        serve(true, false);
        String message = refusal(uri("nbds", "localhost", certificates("nowhere")));
        assertTrue(message.contains("nowhere/ca-cert.pem, which cannot be read"), message);
    }

    @Test
    void aConnectionThatIsCutInMidTransferLeavesNothingBehind() throws Exception {
        serve(true, false);
        BlockDevice device = open();
        gate.hold(IoRequest.Read.class::isInstance);
        CompletableFuture<Outcome> answer = new CompletableFuture<>();
        IoTag tag = tag(Operation.READ, 0, 4 << 20);
        device.submit(
                new IoRequest.Read(tag, 0, 4 << 20),
                (_, outcome) -> {
                    outcome.discard();
                    answer.complete(outcome);
                });
        NbdHost.await("the read is under way", () -> gate.heldCount() == 1);
        server.close();
        gate.letGo();
        answer.get(NbdHost.PATIENCE_NANOS, TimeUnit.NANOSECONDS);
    }

    @Test
    void encryptedServersCanBeScanned() throws Exception {
        serve(true, false);
        String uri =
                "nbds://localhost:%d/?tls-certificates=%s"
                        .formatted(NbdHost.port(server), folder.resolve("ours"));
        var offers = new NbdScanner().scan(NbdHost.uri(uri), host.context());
        assertEquals(1, offers.size());
        assertEquals(SIZE_BYTES, offers.getFirst().sizeBytes());
        assertTrue(offers.getFirst().uri().startsWith("nbds://localhost:"), offers.toString());
    }
}

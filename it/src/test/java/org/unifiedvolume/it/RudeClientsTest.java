package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.unifiedvolume.it.harness.Daemon;
import org.unifiedvolume.it.harness.Lab;
import org.unifiedvolume.it.harness.Nbd;
import org.unifiedvolume.it.harness.NbdClient;
import org.unifiedvolume.it.harness.ServiceFile;
import org.unifiedvolume.it.harness.Waiting;

/// Promise: clients that say nothing, lie about lengths, stop in the middle or never read their
/// replies cost themselves, and nobody else: others are served, memory stays bounded, and the
/// daemon still ends when it is told to.
class RudeClientsTest {
    private static final long SIZE = 64L << 20;
    private static final long RESIDENT_LIMIT = 256L << 20;
    private static final int SILENT = 1000;
    private static final int MIB = 1 << 20;
    private static final int GREETING_BYTES = 18;

    @RegisterExtension final Lab lab = new Lab();

    private int port;
    private Daemon daemon;

    @BeforeEach
    void serve() throws IOException {
        port = lab.port();
        daemon =
                lab.serve(
                        ServiceFile.of(
                                "media",
                                "linear",
                                List.of(lab.sparse("a.img", SIZE)),
                                List.of(Nbd.uri(port, "media") + "?connections=1200")));
    }

    /// Fails unless a good client is served, and promptly.
    private void othersAreServed() throws IOException {
        long start = System.nanoTime();
        try (NbdClient good = NbdClient.open(port, "media")) {
            byte[] data = new byte[MIB];
            data[7] = 7;
            for (int i = 0; i < 8; i++) {
                assertEquals(0, good.write(i * (long) MIB, data, 0));
                assertArrayEquals(data, good.read(i * (long) MIB, MIB));
            }
            assertEquals(0, good.flush());
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        assertTrue(seconds < 10, "a good client took %.1f s".formatted(seconds));
    }

    private void memoryIsBounded() {
        assertTrue(
                daemon.peakResidentBytes() < RESIDENT_LIMIT,
                () -> "peak RSS %d MiB".formatted(daemon.peakResidentBytes() >> 20));
    }

    @Test
    void aThousandSilentConnectionsAreBorneAndThenClosed() throws IOException {
        List<NbdClient> silent = new ArrayList<>();
        try {
            for (int i = 0; i < SILENT; i++) {
                silent.add(NbdClient.silent(port));
            }
            othersAreServed();
            memoryIsBounded();
            // None of them may stay for longer than a handshake may take.
            for (NbdClient client : silent) {
                assertTrue(client.isClosedByServer(), "a silent connection is still open");
            }
        } finally {
            for (NbdClient client : silent) {
                client.close();
            }
        }
        othersAreServed();
        daemon.terminate();
    }

    @Test
    void moreConnectionsThanAllowedAreClosedAtOnce() throws IOException {
        List<NbdClient> clients = new ArrayList<>();
        try {
            for (int i = 0; i < 1200; i++) {
                NbdClient client = NbdClient.silent(port);
                clients.add(client);
                client.payload(GREETING_BYTES);
            }
            NbdClient surplus = NbdClient.silent(port);
            clients.add(surplus);
            surplus.timeout(5000);
            assertTrue(surplus.isClosedByServer(), "a surplus connection stays open");
        } finally {
            for (NbdClient client : clients) {
                client.close();
            }
        }
        Waiting.until(
                "there is room again",
                Duration.ofSeconds(10),
                () -> {
                    try (NbdClient client = NbdClient.open(port, "media")) {
                        return client.sizeBytes() == SIZE;
                    }
                });
    }

    @Test
    void aWriteOfFourGibibytesEndsOnlyItsConnection() throws IOException {
        try (NbdClient rude = NbdClient.open(port, "media")) {
            rude.put(NbdClient.WRITE, 0, 1, 0, 0xffff_ffffL);
            rude.flushOut();
            byte[] data = new byte[MIB];
            boolean closed = false;
            for (int i = 0; i < 4096 && !closed; i++) {
                try {
                    rude.sendRaw(data);
                } catch (SocketException e) {
                    closed = true;
                }
            }
            assertTrue(closed, "the daemon swallowed 4 GiB");
        }
        othersAreServed();
        memoryIsBounded();
        assertTrue(daemon.log().contains("4294967295"), daemon::log);
    }

    @Test
    void aReadOfFourGibibytesIsRefusedAndTheConnectionKept() throws IOException {
        try (NbdClient rude = NbdClient.open(port, "media")) {
            assertEquals(NbdClient.EINVAL, rude.call(NbdClient.READ, 0, 0, 0xffff_ffffL));
            assertEquals(4096, rude.read(0, 4096).length);
            assertEquals(NbdClient.EINVAL, rude.call(99, 0, 0, 0));
            assertEquals(4096, rude.read(0, 4096).length);
        }
        memoryIsBounded();
    }

    @Test
    void nonsenseInsteadOfARequestEndsTheConnection() throws IOException {
        try (NbdClient rude = NbdClient.open(port, "media")) {
            rude.sendRaw(ByteBuffer.allocate(28).putInt(0xdeadbeef).array());
            assertTrue(rude.isClosedByServer());
        }
        try (NbdClient rude = NbdClient.silent(port)) {
            rude.sendRaw("GET / HTTP/1.1\r\n\r\n".repeat(10).getBytes(StandardCharsets.US_ASCII));
            assertTrue(rude.isClosedByServer());
        }
        othersAreServed();
    }

    @Test
    void halfRequestsAndHalfPayloadsAreWaitedForWithoutHoldingOthers() throws IOException {
        List<NbdClient> halves = new ArrayList<>();
        try {
            for (int i = 0; i < 40; i++) {
                NbdClient header = NbdClient.open(port, "media");
                halves.add(header);
                header.sendRaw(new byte[] {0x25, 0x60, (byte) 0x95, 0x13, 0, 0, 0});
                NbdClient payload = NbdClient.open(port, "media");
                halves.add(payload);
                // Two of them hold much memory, the others little.
                payload.put(NbdClient.WRITE, 0, 1, 0, i < 2 ? 32 * MIB : 64 << 10);
                payload.flushOut();
                payload.sendRaw(new byte[1000]);
            }
            othersAreServed();
            memoryIsBounded();
        } finally {
            for (NbdClient half : halves) {
                half.close();
            }
        }
        othersAreServed();
    }

    @Test
    void aRequestInTinyPiecesIsServed() throws IOException {
        try (NbdClient slow = NbdClient.open(port, "media")) {
            ByteBuffer request = ByteBuffer.allocate(28 + 512);
            request.putInt(0x25609513).putShort((short) 0).putShort((short) NbdClient.WRITE);
            request.putLong(77).putLong(4096).putInt(512);
            while (request.hasRemaining()) {
                request.put((byte) 9);
            }
            for (byte b : request.array()) {
                slow.sendRaw(new byte[] {b});
            }
            NbdClient.Reply reply = slow.reply();
            assertEquals(77, reply.cookie());
            assertEquals(0, reply.error());
            assertEquals(9, slow.read(4096, 512)[511]);
        }
    }

    @Test
    void clientsThatNeverReadTheirRepliesHoldTheirOwnMemoryOnly() throws IOException {
        try (NbdClient writer = NbdClient.open(port, "media")) {
            byte[] data = new byte[MIB];
            data[7] = 7;
            for (int i = 0; i < 32; i++) {
                assertEquals(0, writer.write(i * (long) MIB, data, 0));
            }
        }
        List<NbdClient> deaf = new ArrayList<>();
        try {
            for (int i = 0; i < 2; i++) {
                NbdClient client = NbdClient.open(port, "media");
                deaf.add(client);
                for (int request = 0; request < 2000; request++) {
                    client.put(NbdClient.READ, 0, request, request % 32 * (long) MIB, MIB);
                }
                client.flushOut();
            }
            othersAreServed();
            memoryIsBounded();
            // They get what they asked for once they listen.
            NbdClient late = deaf.getFirst();
            for (int request = 0; request < 100; request++) {
                assertEquals(0, late.reply().error());
                assertEquals(7, late.payload(MIB)[7]);
            }
            daemon.terminate();
        } finally {
            for (NbdClient client : deaf) {
                client.close();
            }
        }
    }

    /// Together they would hold many times the memory there is: 8 that never read their replies,
    /// and 40 that have sent half of the longest payload.
    @Test
    void aCrowdThatHoldsOnToMemoryDoesNotStopAHealthyClient() throws IOException {
        try (NbdClient writer = NbdClient.open(port, "media")) {
            for (int i = 0; i < 32; i++) {
                assertEquals(0, writer.write(i * (long) MIB, new byte[MIB], 0));
            }
        }
        List<NbdClient> crowd = new ArrayList<>();
        try {
            NbdClient healthy = NbdClient.open(port, "media");
            crowd.add(healthy);
            for (int i = 0; i < 8; i++) {
                NbdClient deaf = NbdClient.open(port, "media");
                crowd.add(deaf);
                for (int request = 0; request < 256; request++) {
                    deaf.put(NbdClient.READ, 0, request, request % 32 * (long) MIB, MIB);
                }
                deaf.flushOut();
                goesOn(healthy, 4);
            }
            List<Thread> senders = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                NbdClient half = NbdClient.open(port, "media");
                crowd.add(half);
                // Who is not let in stands still in the middle of sending.
                senders.add(Thread.ofVirtual().start(() -> sendHalf(half)));
                goesOn(healthy, 4);
            }
            goesOn(healthy, 64);
            memoryIsBounded();
            for (NbdClient client : crowd) {
                client.close();
            }
            for (Thread sender : senders) {
                sender.join();
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        } finally {
            for (NbdClient client : crowd) {
                client.close();
            }
        }
        othersAreServed();
        daemon.terminate();
    }

    /// Sends the first half of a write of 32 MiB, as far as the daemon takes it.
    private static void sendHalf(NbdClient client) {
        try {
            client.put(NbdClient.WRITE, 0, 1, 0, 32 * MIB);
            for (int sent = 0; sent < 16; sent++) {
                client.sendRaw(new byte[MIB]);
            }
        } catch (IOException e) {
            // The daemon has cut it off, or the test is over: either will do.
        }
    }

    /// Has a client do some work, all of which must succeed.
    private static void goesOn(NbdClient client, int requests) throws IOException {
        byte[] data = new byte[64 << 10];
        for (int i = 0; i < requests; i++) {
            long at = 48L * MIB + i % 64 * (long) data.length;
            data[i % data.length] = (byte) (i + 1);
            assertEquals(0, client.write(at, data, 0));
            assertArrayEquals(data, client.read(at, data.length));
        }
        assertEquals(0, client.flush());
    }

    @Test
    void theDaemonEndsThoughClientsAreInTheMiddleOfSomething() throws IOException {
        try (NbdClient half = NbdClient.open(port, "media");
                NbdClient silent = NbdClient.silent(port);
                NbdClient idle = NbdClient.open(port, "media")) {
            half.put(NbdClient.WRITE, 0, 1, 0, MIB);
            half.flushOut();
            half.sendRaw(new byte[100]);
            assertEquals(0, idle.flush());

            daemon.terminate();

            assertTrue(half.isClosedByServer());
            assertTrue(silent.isClosedByServer());
            assertFalse(isServed(idle));
        }
    }

    private static boolean isServed(NbdClient client) throws IOException {
        try {
            return client.flush() == 0;
        } catch (SocketException | EOFException e) {
            return false;
        }
    }
}

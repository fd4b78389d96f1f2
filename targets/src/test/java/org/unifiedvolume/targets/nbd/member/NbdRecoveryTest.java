package org.unifiedvolume.targets.nbd.member;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.targets.nbd.NbdHost;
import org.unifiedvolume.targets.nbd.RawServer;
import org.unifiedvolume.targets.nbd.RawServer.Claims;
import org.unifiedvolume.targets.nbd.RawServer.Peer;
import org.unifiedvolume.targets.nbd.RawServer.Request;
import org.unifiedvolume.targets.nbd.wire.Nbd;

/// What becomes of requests, and of the member, when connections are lost and come back.
class NbdRecoveryTest {
    private static final Claims CLAIMS = Claims.of(RemoteMember.SIZE_BYTES, 1);

    private static void awaitRelease(CountDownLatch gate) throws IOException {
        try {
            gate.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    @Nested
    class RequestsUnderWay extends RemoteMember {
        @Test
        void areCarriedOutByTheNextConnectionOnceEach() throws IOException {
            fill();
            AtomicBoolean silent = new AtomicBoolean(true);
            ConcurrentLinkedQueue<Request> heard = new ConcurrentLinkedQueue<>();
            RawServer server =
                    server(
                            peer -> {
                                peer.negotiate(CLAIMS);
                                while (silent.get()) {
                                    heard.add(peer.readRequest());
                                }
                                peer.serveRequests(content);
                            });
            NbdDevice device = open(server);
            List<Answer> reads = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                reads.add(read(device, i * 100L, 100));
            }
            Answer write = write(device, 500_000, pattern(1, 1000));
            NbdHost.await("all are under way", () -> heard.size() == 41);
            silent.set(false);
            server.cut();
            for (int i = 0; i < 40; i++) {
                assertArrayEquals(pattern(i * 100L, 100), reads.get(i).bytes());
            }
            write.succeeds();
            assertArrayEquals(pattern(1, 1000), Arrays.copyOfRange(content, 500_000, 501_000));
            assertEquals(2, server.connections());
        }

        @Test
        void moveToTheOtherConnectionsWhenOneIsLost() throws IOException {
            fill();
            Claims several = CLAIMS.withFlags(Claims.ALL_FLAGS | Nbd.FLAG_CAN_MULTI_CONN);
            AtomicBoolean firstTime = new AtomicBoolean(true);
            RawServer server =
                    server(
                            peer -> {
                                peer.negotiate(several);
                                Request request = peer.readRequest();
                                if (!firstTime.getAndSet(false)) {
                                    peer.carryOut(request, content);
                                    peer.serveRequests(content);
                                }
                            });
            NbdDevice device = open(options(server.port(), 2, DEADLINE_NANOS, 0));
            NbdHost.await("both are up", () -> device.links().count() == 2);
            List<Answer> reads = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                reads.add(read(device, i * 100L, 100));
            }
            for (int i = 0; i < 20; i++) {
                assertArrayEquals(pattern(i * 100L, 100), reads.get(i).bytes());
            }
            assertEquals(DeviceStatus.State.ONLINE, device.status().state());
        }

        @Test
        void failInTimeWhenTheServerNeverAnswers() throws IOException {
            RawServer mute = mute(CLAIMS);
            fill();
            NbdDevice stuck = open(options(mute.port(), 1, 300_000_000L, 0));
            NbdDevice healthy = openHonest(CLAIMS);
            long start = System.nanoTime();
            List<Answer> answers = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                answers.add(read(stuck, i, 1));
            }
            answers.add(flush(stuck));
            assertArrayEquals(pattern(0, 5000), read(healthy, 0, 5000).bytes());
            for (Answer answer : answers) {
                DeviceFault fault = answer.fault();
                assertEquals(DeviceFault.Kind.DISCONNECTED, fault.kind());
                assertTrue(fault.getMessage().startsWith("nbd://there/disk: "), fault.getMessage());
            }
            assertTrue(System.nanoTime() - start < 5_000_000_000L);
            assertEquals(DeviceStatus.State.ONLINE, healthy.status().state());
        }

        @Test
        void areAnsweredWithinABoundedTimeWhenTheDeviceIsClosed() throws IOException {
            RawServer mute = mute(CLAIMS);
            NbdDevice device = open(options(mute.port(), 1, 500_000_000L, 0));
            Answer read = read(device, 0, 100);
            Answer write = write(device, 0, new byte[100]);
            long start = System.nanoTime();
            device.close();
            read.fault();
            write.fault();
            assertTrue(System.nanoTime() - start < 7_000_000_000L);
            assertEquals(DeviceFault.Kind.STOPPING, read(device, 0, 1).fault().kind());
            device.close();
        }
    }

    @Nested
    class AServerThatGoesAway extends RemoteMember {
        private int port;

        /// Opens a device on a server that then goes away from its port.
        private NbdDevice openAndLeave(Claims claims) throws IOException {
            RawServer server = server(peer -> peer.serve(claims, content));
            port = server.port();
            NbdDevice device = open(options(port, 1, DEADLINE_NANOS, 0));
            server.close();
            awaitState(device, DeviceStatus.State.UNAVAIL);
            return device;
        }

        @Test
        void makesTheMemberUnavailableUntilItIsBack() throws IOException {
            fill();
            RawServer before = server(peer -> peer.serve(CLAIMS, content));
            port = before.port();
            NbdDevice device = open(options(port, 1, 400_000_000L, 0));
            read(device, 0, 1).succeeds();
            before.close();
            awaitState(device, DeviceStatus.State.UNAVAIL);
            DeviceFault fault = read(device, 0, 1).fault();
            assertEquals(DeviceFault.Kind.DISCONNECTED, fault.kind());
            DeviceStatus status = device.status();
            assertFalse(status.reason().isEmpty());
            assertEquals("it is dialled again by itself; check the host", status.remedy());
            // It has been away for longer than the deadline: nobody waits any more.
            long start = System.nanoTime();
            read(device, 0, 1).fault();
            assertTrue(System.nanoTime() - start < 300_000_000L);
            server(port, peer -> peer.serve(CLAIMS, content));
            awaitState(device, DeviceStatus.State.ONLINE);
            assertArrayEquals(pattern(9, 100), read(device, 9, 100).bytes());
            assertEquals("", device.status().reason());
        }

        @Test
        void andIsBackInTimeIsNotNoticed() throws IOException {
            fill();
            NbdDevice device = openAndLeave(CLAIMS);
            Answer read = read(device, 9, 100);
            Answer write = write(device, 5000, new byte[10]);
            assertFalse(read.isThere());
            server(port, peer -> peer.serve(CLAIMS, content));
            assertArrayEquals(pattern(9, 100), read.bytes());
            write.succeeds();
        }

        /// Who was told that a write failed may have put newer bytes in its place.
        @Test
        void isNotSentWhatNobodyWaitsForAnyMore() throws IOException {
            fill();
            NbdDevice device = openAndLeave(CLAIMS);
            Answer old = write(device, 5000, new byte[100]);
            old.giveUp();
            server(port, peer -> peer.serve(CLAIMS, content));
            awaitState(device, DeviceStatus.State.ONLINE);
            old.fault();
            assertArrayEquals(pattern(5000, 100), read(device, 5000, 100).bytes());
        }

        private void expectFault(Claims before, Claims after, String reason) throws IOException {
            NbdDevice device = openAndLeave(before);
            Answer waiting = read(device, 0, 1);
            RawServer another = server(port, peer -> peer.serve(after, content));
            awaitState(device, DeviceStatus.State.FAULTED);
            String expected = "nbd://there/disk is not the export it was: " + reason;
            assertEquals(expected, device.status().reason());
            assertEquals("serve the right export, then restart", device.status().remedy());
            for (Answer answer :
                    List.of(waiting, read(device, 0, 1), write(device, 0, new byte[1]))) {
                assertEquals(DeviceFault.Kind.IO, answer.fault().kind());
                assertEquals("nbd://there/disk: " + expected, answer.fault().getMessage());
            }
            another.close();
        }

        @Test
        void andReturnsWithAnotherExportFaultsTheMember() throws IOException {
            expectFault(
                    CLAIMS,
                    CLAIMS.withSize(SIZE_BYTES / 2),
                    "its size changed from 1048576 to 524288 bytes");
            expectFault(
                    CLAIMS,
                    CLAIMS.withFlags(Claims.ALL_FLAGS | Nbd.FLAG_READ_ONLY),
                    "it became read-only");
            expectFault(
                    CLAIMS,
                    CLAIMS.withBlocks(4096, 4096, 32 << 20),
                    "its blocks grew from 1 to 4096 bytes");
            expectFault(
                    CLAIMS,
                    CLAIMS.withBlocks(1, 4096, 1 << 20),
                    "its longest payload shrank from 33554432 to 1048576 bytes");
        }

        @Test
        void andReturnsWithFewerAbilitiesFaultsTheMember() throws IOException {
            for (int flag :
                    new int[] {
                        Nbd.FLAG_SEND_FUA,
                        Nbd.FLAG_SEND_FLUSH,
                        Nbd.FLAG_SEND_TRIM,
                        Nbd.FLAG_SEND_CACHE,
                        Nbd.FLAG_SEND_WRITE_ZEROES
                    }) {
                expectFault(
                        CLAIMS,
                        CLAIMS.withFlags(Claims.ALL_FLAGS & ~flag),
                        "it lost abilities (flags 0x%04x)".formatted(flag));
            }
            expectFault(CLAIMS.withLevel(2), CLAIMS, "it no longer takes extended headers");
            expectFault(CLAIMS, CLAIMS.withLevel(0), "it no longer tells where data is");
        }
    }

    /// A server with a volatile cache: what was not flushed is gone after a power cut.
    abstract static class Forgetful extends RemoteMember {
        final byte[] cache = new byte[SIZE_BYTES];
        final ConcurrentLinkedQueue<Request> requests = new ConcurrentLinkedQueue<>();
        volatile int flushError;
        volatile int writeError;
        volatile CountDownLatch flushGate = new CountDownLatch(0);
        volatile CountDownLatch writeGate = new CountDownLatch(0);

        void serve(Peer peer) throws IOException {
            if (peer.negotiate(CLAIMS)) {
                serveRequests(peer);
            }
        }

        void serveRequests(Peer peer) throws IOException {
            while (true) {
                Request request = peer.readRequest();
                requests.add(request);
                int error = 0;
                switch (request.type()) {
                    case Nbd.CMD_FLUSH -> {
                        if (flushGate.getCount() > 0) {
                            Thread.ofVirtual().start(() -> flushLater(peer, request.cookie()));
                            continue;
                        }
                        error = flushError;
                        if (error == 0) {
                            System.arraycopy(cache, 0, content, 0, SIZE_BYTES);
                        }
                    }
                    case Nbd.CMD_WRITE -> {
                        awaitRelease(writeGate);
                        error = writeError;
                    }
                    case Nbd.CMD_DISC -> {
                        return;
                    }
                    default -> {
                        // reads and zeroes always succeed
                    }
                }
                if (error != 0 || request.type() == Nbd.CMD_FLUSH) {
                    peer.simpleReply(request.cookie(), error, new byte[0]);
                } else {
                    peer.carryOut(request, cache);
                    int at = (int) request.offset();
                    if (request.has(Nbd.CMD_FLAG_FUA)) {
                        System.arraycopy(cache, at, content, at, (int) request.length());
                    }
                }
            }
        }

        private void flushLater(Peer peer, long cookie) {
            try {
                awaitRelease(flushGate);
                System.arraycopy(cache, 0, content, 0, SIZE_BYTES);
                peer.done(cookie);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /// A device that keeps all that is not flushed.
        NbdDevice openRemembering(RawServer server) throws IOException {
            return open(options(server.port(), 1, DEADLINE_NANOS, 1 << 20));
        }

        /// Loses what was not flushed and ends all connections.
        void powerCut(RawServer server) throws IOException {
            server.cut();
            System.arraycopy(content, 0, cache, 0, SIZE_BYTES);
        }

        byte[] durable(int offset, int length) {
            return Arrays.copyOfRange(content, offset, offset + length);
        }

        long count(int type) {
            return requests.stream().filter(request -> request.type() == type).count();
        }
    }

    @Nested
    class AServerThatForgets extends Forgetful {
        @Test
        void isGivenTheUnflushedWritesAgainBeforeAnythingElse() throws IOException {
            RawServer server = server(this::serve);
            NbdDevice device = openRemembering(server);
            for (int i = 0; i < 30; i++) {
                write(device, i * 1000L, pattern(i, 1000)).succeeds();
            }
            write(device, 500, pattern(77, 1000)).succeeds();
            write(device, 1000, pattern(99, 100)).succeeds();
            zero(device, 1050, 100, false).succeeds();
            byte[] expected = read(device, 0, 30_000).bytes();
            powerCut(server);
            assertArrayEquals(expected, read(device, 0, 30_000).bytes());
            flush(device).succeeds();
            assertArrayEquals(expected, durable(0, 30_000));
        }

        @Test
        void isNotGivenWhatItHasFlushed() throws IOException {
            RawServer server = server(this::serve);
            NbdDevice device = openRemembering(server);
            write(device, 0, pattern(1, 1000)).succeeds();
            flush(device).succeeds();
            write(device, 5000, pattern(2, 1000)).succeeds();
            requests.clear();
            powerCut(server);
            assertArrayEquals(pattern(2, 1000), read(device, 5000, 1000).bytes());
            assertArrayEquals(pattern(1, 1000), read(device, 0, 1000).bytes());
            assertEquals(1, count(Nbd.CMD_WRITE));
        }

        @Test
        void keepsADurableWriteThatCameOverAnUnflushedOne() throws IOException {
            RawServer server = server(this::serve);
            NbdDevice device = openRemembering(server);
            write(device, 0, pattern(1, 1000)).succeeds();
            write(device, 100, pattern(2, 200), Durability.DURABLE).succeeds();
            byte[] expected = read(device, 0, 1000).bytes();
            powerCut(server);
            assertArrayEquals(expected, read(device, 0, 1000).bytes());
            flush(device).succeeds();
            assertArrayEquals(expected, durable(0, 1000));
        }

        @Test
        void onceMoreDuringTheRepetitionStillGetsEverything() throws IOException {
            RawServer server = server(this::serve);
            NbdDevice device = openRemembering(server);
            for (int i = 0; i < 100; i++) {
                write(device, i * 500L, pattern(i, 1000)).succeeds();
            }
            byte[] expected = read(device, 0, 50_500).bytes();
            for (int cut = 1; cut <= 3; cut++) {
                requests.clear();
                int some = cut * 10;
                powerCut(server);
                NbdHost.await("some are repeated", () -> count(Nbd.CMD_WRITE) >= some);
            }
            powerCut(server);
            assertArrayEquals(expected, read(device, 0, 50_500).bytes());
        }

        @Test
        void andRefusesARepeatedWriteFaultsTheMember() throws IOException {
            RawServer server = server(this::serve);
            NbdDevice device = openRemembering(server);
            write(device, 0, pattern(1, 1000)).succeeds();
            writeError = 28;
            powerCut(server);
            awaitState(device, DeviceStatus.State.FAULTED);
            String reason = device.status().reason();
            assertTrue(
                    reason.startsWith(
                            "a write from before the connection was lost cannot be repeated: "),
                    reason);
            assertTrue(reason.contains("ENOSPC"), reason);
            assertEquals(DeviceFault.Kind.IO, read(device, 0, 1).fault().kind());
        }

        /// A connection that comes up afterwards does not make the lost bytes good.
        @Test
        void andRefusesARepeatedWriteIsNotUsedByALaterConnectionEither() throws IOException {
            Claims several = CLAIMS.withFlags(Claims.ALL_FLAGS | Nbd.FLAG_CAN_MULTI_CONN);
            flushGate = new CountDownLatch(1);
            CountDownLatch later = new CountDownLatch(1);
            CountDownLatch laterHasEnded = new CountDownLatch(1);
            AtomicInteger visits = new AtomicInteger();
            RawServer server =
                    server(
                            peer -> {
                                int visit = visits.incrementAndGet();
                                if (visit == 4) {
                                    awaitRelease(later);
                                }
                                if (peer.negotiate(several)) {
                                    if (visit == 4) {
                                        peer.awaitEnd();
                                        laterHasEnded.countDown();
                                    } else {
                                        serveRequests(peer);
                                    }
                                }
                            });
            NbdDevice device = open(options(server.port(), 2, DEADLINE_NANOS, 1 << 20));
            NbdHost.await("both are up", () -> device.links().count() == 2);
            write(device, 0, pattern(1, 1000)).succeeds();
            writeError = 28;
            writeGate = new CountDownLatch(1);
            powerCut(server);
            NbdHost.await("the second one shakes hands", () -> visits.get() == 4);
            writeGate.countDown();
            awaitState(device, DeviceStatus.State.FAULTED);
            later.countDown();
            NbdHost.await("the later one is not kept", () -> laterHasEnded.getCount() == 0);
            assertEquals(DeviceStatus.State.FAULTED, device.status().state());
            assertEquals(DeviceFault.Kind.IO, read(device, 0, 1).fault().kind());
        }

        /// A host that loses power says no good-bye: connections on which nothing is under way look
        /// alive although the server has been started anew.
        @Test
        void isGivenThemAgainThoughOneConnectionLooksAlive() throws IOException {
            Claims several = CLAIMS.withFlags(Claims.ALL_FLAGS | Nbd.FLAG_CAN_MULTI_CONN);
            flushGate = new CountDownLatch(1);
            AtomicBoolean beforeTheCut = new AtomicBoolean(true);
            ConcurrentLinkedQueue<Peer> peers = new ConcurrentLinkedQueue<>();
            RawServer server =
                    server(
                            peer -> {
                                if (!peer.negotiate(several)) {
                                    return;
                                }
                                if (beforeTheCut.get()) {
                                    peers.add(peer);
                                }
                                serveRequests(peer);
                            });
            NbdDevice device = open(options(server.port(), 2, DEADLINE_NANOS, 1 << 20));
            NbdHost.await("both are up", () -> device.links().count() == 2 && peers.size() == 2);
            write(device, 0, pattern(1, 1000)).succeeds();
            beforeTheCut.set(false);
            System.arraycopy(content, 0, cache, 0, SIZE_BYTES);
            requests.clear();
            peers.peek().socket().close();
            NbdHost.await("it is repeated", () -> count(Nbd.CMD_WRITE) == 1);
            assertArrayEquals(pattern(1, 1000), read(device, 0, 1000).bytes());
            flushGate.countDown();
        }

        @Test
        void isTrustedIfNothingShallBeKept() throws IOException {
            RawServer server = server(this::serve);
            NbdDevice device = open(options(server.port(), 1, DEADLINE_NANOS, 0));
            write(device, 0, pattern(1, 1000)).succeeds();
            powerCut(server);
            assertArrayEquals(new byte[1000], read(device, 0, 1000).bytes());
            assertEquals(1, count(Nbd.CMD_WRITE));
        }
    }

    @Nested
    class TheLogOfUnflushedWrites extends Forgetful {
        @Test
        void holdsWritesBackWhileItIsFull() throws IOException {
            flushGate = new CountDownLatch(1);
            RawServer server = server(this::serve);
            NbdDevice device = open(options(server.port(), 1, DEADLINE_NANOS, 8000));
            List<Answer> writes = new ArrayList<>();
            while (!device.unflushed().isFull()) {
                int i = writes.size();
                writes.add(write(device, i * 1000L, pattern(i, 1000)));
                writes.getLast().await();
            }
            int sent = writes.size();
            assertTrue(sent < 200, "the log holds more than it may");
            while (writes.size() < 200) {
                int i = writes.size();
                writes.add(write(device, i * 1000L, pattern(i, 1000)));
            }
            NbdHost.await("a flush is under way", () -> count(Nbd.CMD_FLUSH) > 0);
            assertEquals(sent, count(Nbd.CMD_WRITE), "none is let through");
            assertFalse(writes.getLast().isThere());
            flushGate.countDown();
            writes.forEach(Answer::succeeds);
        }

        @Test
        void failsWritesInTimeWhenFlushesFail() throws IOException {
            flushError = 5;
            RawServer server = server(this::serve);
            NbdDevice device = open(options(server.port(), 1, 500_000_000L, 4000));
            Answer last = write(device, 0, pattern(0, 1000));
            for (int i = 1; i < 20 && last.await().isSuccess(); i++) {
                last = write(device, i * 1000L, pattern(i, 1000));
            }
            DeviceFault fault = last.fault();
            assertEquals(DeviceFault.Kind.TIMED_OUT, fault.kind());
            assertEquals(
                    "nbd://there/disk: too many writes wait for a flush, which does not succeed",
                    fault.getMessage());
            read(device, 0, 1).succeeds();
        }
    }
}

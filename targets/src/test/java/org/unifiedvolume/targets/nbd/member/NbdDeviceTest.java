package org.unifiedvolume.targets.nbd.member;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ServerSocket;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.targets.nbd.NbdHost;
import org.unifiedvolume.targets.nbd.RawServer;
import org.unifiedvolume.targets.nbd.RawServer.Claims;
import org.unifiedvolume.targets.nbd.RawServer.Request;
import org.unifiedvolume.targets.nbd.export.NbdExport;
import org.unifiedvolume.targets.nbd.export.NbdLimits;
import org.unifiedvolume.targets.nbd.export.NbdServer;
import org.unifiedvolume.targets.nbd.wire.Nbd;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.volume.Volume;

class NbdDeviceTest {
    /// A server that carries requests out and notes them.
    abstract static class Noted extends RemoteMember {
        final ConcurrentLinkedQueue<Request> requests = new ConcurrentLinkedQueue<>();

        RawServer noting(Claims claims) throws IOException {
            return server(
                    peer -> {
                        if (peer.negotiate(claims)) {
                            while (true) {
                                Request request = peer.readRequest();
                                requests.add(request);
                                peer.carryOut(request, content);
                            }
                        }
                    });
        }

        List<Integer> types() {
            return requests.stream().map(Request::type).toList();
        }
    }

    @Nested
    class WithEveryLayoutOfReplies extends Noted {
        @ParameterizedTest
        @ValueSource(ints = {0, 1, 2})
        void readsAndWritesReachTheServer(int level) throws IOException {
            fill();
            NbdDevice device = open(noting(Claims.of(SIZE_BYTES, level)));
            assertEquals(SIZE_BYTES, device.shape().sizeBytes());
            assertEquals(DeviceStatus.State.ONLINE, device.status().state());
            for (int length : new int[] {1, 512, 40_000, SIZE_BYTES}) {
                int offset = SIZE_BYTES - length;
                assertArrayEquals(pattern(offset, length), read(device, offset, length).bytes());
            }
            write(device, 5000, pattern(1, 100_000)).succeeds();
            assertArrayEquals(pattern(1, 100_000), Arrays.copyOfRange(content, 5000, 105_000));
        }

        @ParameterizedTest
        @ValueSource(ints = {0, 1, 2})
        void everyOtherRequestBecomesItsCommand(int level) throws IOException {
            NbdDevice device = open(noting(Claims.of(SIZE_BYTES, level)));
            write(device, 0, new byte[10], Durability.DURABLE).succeeds();
            flush(device).succeeds();
            discard(device, 100, 200).succeeds();
            prefetch(device, 100, 200).succeeds();
            zero(device, 300, 400, false).succeeds();
            assertEquals(
                    List.of(
                            Nbd.CMD_WRITE,
                            Nbd.CMD_FLUSH,
                            Nbd.CMD_TRIM,
                            Nbd.CMD_CACHE,
                            Nbd.CMD_WRITE_ZEROES),
                    types());
            assertTrue(requests.peek().has(Nbd.CMD_FLAG_FUA));
            for (Request request : requests) {
                boolean payload = level == 2 && request.type() == Nbd.CMD_WRITE;
                assertEquals(payload, request.has(Nbd.CMD_FLAG_PAYLOAD_LEN));
            }
        }

        @ParameterizedTest
        @CsvSource({
            "0,5,IO",
            "1,28,NO_SPACE",
            "2,1,READ_ONLY",
            "0,12,NO_MEMORY",
            "1,999,BAD_RANGE"
        })
        void errorsOfTheServerBecomeFaultsThatSayWhere(int level, int number, DeviceFault.Kind kind)
                throws IOException {
            RawServer server =
                    server(
                            peer -> {
                                peer.negotiate(Claims.of(SIZE_BYTES, level));
                                while (true) {
                                    long cookie = peer.readRequest().cookie();
                                    if (level < 2) {
                                        peer.simpleReply(cookie, number, new byte[0]);
                                    } else {
                                        peer.chunk(
                                                true,
                                                Nbd.REPLY_TYPE_ERROR,
                                                cookie,
                                                new byte[] {
                                                    0, 0, 0, (byte) number, 0, 3, 'a', 7, 'b'
                                                });
                                    }
                                }
                            });
            NbdDevice device = open(server);
            DeviceFault fault = write(device, 4096, new byte[512]).fault();
            assertEquals(kind, fault.kind());
            assertTrue(
                    fault.getMessage()
                            .startsWith(
                                    "nbd://there/disk: WRITE at offset 4096, 512 bytes: the server"
                                            + " answered E"),
                    fault.getMessage());
            if (level == 2) {
                assertTrue(fault.getMessage().endsWith("(a b)"), fault.getMessage());
            }
            assertEquals(1, server.connections());
        }
    }

    @Nested
    class AgainstOurOwnServer extends RemoteMember {
        @Test
        void allRequestsWorkOverSeveralConnections() throws IOException {
            MemoryDevice memory = new MemoryDevice(SIZE_BYTES, Locality.LOCAL, host.io());
            Volume volume = host.volume("media", memory);
            try (NbdServer server = host.listen(NbdLimits.DEFAULT, null)) {
                server.add(new NbdExport("disk", volume, false));
                NbdDevice device = open(options(NbdHost.port(server), 3, DEADLINE_NANOS, 1 << 20));
                NbdHost.await("all connections are up", () -> server.connectionCount() == 3);
                for (int i = 0; i < 50; i++) {
                    write(device, i * 5000L, pattern(i * 5000L, 5000)).succeeds();
                }
                assertArrayEquals(pattern(0, 250_000), read(device, 0, 250_000).bytes());
                zero(device, 100, 50, true).succeeds();
                discard(device, 150, 50).succeeds();
                prefetch(device, 0, 4096).succeeds();
                flush(device).succeeds();
                assertArrayEquals(new byte[100], read(device, 100, 100).bytes());
                Outcome.Located located = (Outcome.Located) locate(device, 0, 8192).await();
                assertEquals(List.of(new Extent(8192, Extent.Kind.DATA)), located.extents());
                device.close();
                NbdHost.await("the server is left", () -> server.connectionCount() == 0);
            }
        }

        @Test
        void aReadOnlyExportCanOnlyBeRead() throws IOException {
            MemoryDevice memory = new MemoryDevice(SIZE_BYTES, Locality.LOCAL, host.io());
            try (NbdServer server = host.listen(NbdLimits.DEFAULT, null)) {
                server.add(new NbdExport("disk", host.volume("media", memory), true));
                NbdDevice device = open(options(NbdHost.port(server), 1, DEADLINE_NANOS, 0));
                assertTrue(device.shape().isReadOnly());
                assertEquals(
                        DeviceFault.Kind.READ_ONLY, write(device, 0, new byte[10]).fault().kind());
                read(device, 0, 10).succeeds();
                device.close();
                NbdHost.await("the server is left", () -> server.connectionCount() == 0);
            }
        }

        @Test
        void anExportThatIsNotThereIsRefusedByName() throws IOException {
            try (NbdServer server = host.listen(NbdLimits.DEFAULT, null)) {
                IOException refusal =
                        assertThrows(
                                IOException.class,
                                () -> open(options(NbdHost.port(server), 1, DEADLINE_NANOS, 0)));
                assertEquals(
                        "nbd://there/disk: the export \"disk\" is refused: the server has no such"
                                + " export (there is no export \"disk\" here)",
                        refusal.getMessage());
            }
        }
    }

    @Nested
    class WithAServerThatCanDoLess extends Noted {
        private static int without(int... flags) {
            int left = Claims.ALL_FLAGS;
            for (int flag : flags) {
                left &= ~flag;
            }
            return left;
        }

        @Test
        void durableWritesAreFollowedByAFlushWhereThereIsNoFua() throws IOException {
            Claims claims = Claims.of(SIZE_BYTES, 1).withFlags(without(Nbd.FLAG_SEND_FUA));
            NbdDevice device = open(noting(claims));
            write(device, 0, new byte[10], Durability.DURABLE).succeeds();
            write(device, 0, new byte[10], Durability.VOLATILE).succeeds();
            assertEquals(List.of(Nbd.CMD_WRITE, Nbd.CMD_FLUSH, Nbd.CMD_WRITE), types());
            assertFalse(requests.peek().has(Nbd.CMD_FLAG_FUA));
        }

        @Test
        void fuaIsNeverSentToAServerThatDoesNotOfferIt() throws IOException {
            Claims claims =
                    Claims.of(SIZE_BYTES, 1)
                            .withFlags(without(Nbd.FLAG_SEND_FUA, Nbd.FLAG_SEND_FLUSH));
            NbdDevice device = open(noting(claims));
            assertFalse(device.shape().can(Ability.FLUSH));
            write(device, 0, new byte[10], Durability.DURABLE).succeeds();
            flush(device).succeeds();
            assertEquals(List.of(Nbd.CMD_WRITE), types());
            assertFalse(requests.peek().has(Nbd.CMD_FLAG_FUA));
        }

        @Test
        void zeroesAreWrittenWhereTheyCannotBeAskedFor() throws IOException {
            fill();
            Claims claims =
                    Claims.of(SIZE_BYTES, 1)
                            .withFlags(without(Nbd.FLAG_SEND_WRITE_ZEROES))
                            .withBlocks(1, 4096, 65_536);
            NbdDevice device = open(noting(claims));
            zero(device, 1000, 200_000, false).succeeds();
            assertArrayEquals(new byte[200_000], Arrays.copyOfRange(content, 1000, 201_000));
            assertArrayEquals(pattern(0, 1000), Arrays.copyOf(content, 1000));
            assertArrayEquals(pattern(201_000, 100), Arrays.copyOfRange(content, 201_000, 201_100));
            assertEquals(4, requests.size());
            DeviceFault fault = zero(device, 0, 4096, true).fault();
            assertEquals(DeviceFault.Kind.NOT_SUPPORTED, fault.kind());
        }

        @Test
        void hintsAreDroppedAndEverythingIsData() throws IOException {
            Claims claims =
                    Claims.of(SIZE_BYTES, 0)
                            .withFlags(without(Nbd.FLAG_SEND_TRIM, Nbd.FLAG_SEND_CACHE));
            NbdDevice device = open(noting(claims));
            discard(device, 0, 4096).succeeds();
            prefetch(device, 0, 4096).succeeds();
            Outcome.Located located = (Outcome.Located) locate(device, 0, 8192).await();
            assertEquals(List.of(new Extent(8192, Extent.Kind.DATA)), located.extents());
            assertEquals(List.of(), types());
        }

        @Test
        void itsBlocksAndPayloadsShapeTheDevice() throws IOException {
            NbdDevice device =
                    open(noting(Claims.of(SIZE_BYTES, 2).withBlocks(4096, 65_536, 1 << 20)));
            assertEquals(4096, device.shape().blockBytes());
            assertEquals(65_536, device.shape().preferredBytes());
            assertEquals(1 << 20, device.shape().maxTransferBytes());
        }

        @ParameterizedTest
        @CsvSource({"512, 4096, 1049088, 1049088", "4096, 4096, 1049088, 1048576"})
        void itsLongestPayloadIsRoundedToWholeBlocks(
                int minimum, int preferred, int maximum, long expected) throws IOException {
            Claims claims = Claims.of(SIZE_BYTES, 1).withBlocks(minimum, preferred, maximum);
            assertEquals(expected, open(noting(claims)).shape().maxTransferBytes());
        }

        @Test
        void itsPreferredSizeNeverExceedsItsLongestPayload() throws IOException {
            Claims claims = Claims.of(SIZE_BYTES, 1).withBlocks(1, 4 << 20, 1 << 20);
            NbdDevice device = open(noting(claims));
            assertEquals(1 << 20, device.shape().maxTransferBytes());
            assertEquals(1 << 20, device.shape().preferredBytes());
        }

        @Test
        void anExportIsUsedByNameWhereThereIsNoGo() throws IOException {
            fill();
            NbdDevice device = open(noting(Claims.of(SIZE_BYTES, 1).withoutGo()));
            assertArrayEquals(pattern(7, 100), read(device, 7, 100).bytes());
        }

        @Test
        void oneConnectionIsUsedUnlessSeveralAreConsistent() throws IOException {
            RawServer single = noting(Claims.of(SIZE_BYTES, 1));
            NbdDevice device = open(options(single.port(), 4, DEADLINE_NANOS, 0));
            RawServer several =
                    noting(
                            Claims.of(SIZE_BYTES, 1)
                                    .withFlags(Claims.ALL_FLAGS | Nbd.FLAG_CAN_MULTI_CONN));
            open(options(several.port(), 4, DEADLINE_NANOS, 0));
            NbdHost.await("four connections are up", () -> several.connections() == 4);
            read(device, 0, 1).succeeds();
            assertEquals(1, single.connections());
        }

        @Test
        void rangesLongerThanACompactHeaderTellsAreSentInParts() throws IOException {
            long size = 5L << 30;
            RawServer server =
                    server(
                            peer -> {
                                peer.negotiate(Claims.of(size, 1));
                                while (true) {
                                    Request request = peer.readRequest();
                                    requests.add(request);
                                    peer.done(request.cookie());
                                }
                            });
            NbdDevice device = open(server);
            zero(device, 0, size, false).succeeds();
            assertEquals(3, requests.size());
            assertEquals(size, requests.stream().mapToLong(Request::length).sum());
            requests.clear();
            discard(device, 4096, size - 4096).succeeds();
            assertEquals(size - 4096, requests.stream().mapToLong(Request::length).sum());
        }

        @Test
        void aFaultOfOnePartIsTheFaultOfAll() throws IOException {
            RawServer server =
                    server(
                            peer -> {
                                peer.negotiate(Claims.of(5L << 30, 1));
                                while (true) {
                                    Request request = peer.readRequest();
                                    int error = request.offset() == 1L << 31 ? 28 : 0;
                                    peer.simpleReply(request.cookie(), error, new byte[0]);
                                }
                            });
            DeviceFault fault = zero(open(server), 0, 5L << 30, false).fault();
            assertEquals(DeviceFault.Kind.NO_SPACE, fault.kind());
        }
    }

    @Nested
    class Opening extends RemoteMember {
        private String refusal(RawServer.Script script) throws IOException {
            RawServer server = server(script);
            return assertThrows(IOException.class, () -> open(server)).getMessage();
        }

        @Test
        void nothingThatListensIsNamedInTheMessage() throws IOException {
            int port;
            try (ServerSocket listener = new ServerSocket(0)) {
                port = listener.getLocalPort();
            }
            String message =
                    assertThrows(IOException.class, () -> open(options(port, 1, DEADLINE_NANOS, 0)))
                            .getMessage();
            assertTrue(
                    message.matches("nbd://there/disk: cannot connect to .*" + port + ".*refused"),
                    message);
        }

        @Test
        void aPeerThatIsNoNbdServerIsRecognised() throws IOException {
            String message =
                    refusal(
                            peer ->
                                    peer.send(
                                            "HTTP/1.1 400 Bad Request\r\n\r\n"
                                                    .getBytes(
                                                            java.nio.charset.StandardCharsets
                                                                    .UTF_8)));
            assertTrue(message.contains("the peer is not an NBD server"), message);
        }

        @Test
        void aPeerThatClosesIsNamed() throws IOException {
            assertEquals("nbd://there/disk: the peer closed the connection", refusal(peer -> {}));
        }

        @Test
        void aPeerThatSaysNothingEndsInTime() throws IOException {
            RawServer server = server(peer -> peer.socket().getInputStream().read());
            NbdOptions options = options(server.port(), 1, DEADLINE_NANOS, 0);
            NbdOptions hasty =
                    new NbdOptions(
                            options.name(),
                            options.address(),
                            null,
                            false,
                            1,
                            DEADLINE_NANOS,
                            200_000_000L,
                            0);
            String message = assertThrows(IOException.class, () -> open(hasty)).getMessage();
            assertEquals("nbd://there/disk: the handshake took too long", message);
        }

        @Test
        void sillyBlockSizesAreRefused() throws IOException {
            for (int[] sizes :
                    new int[][] {
                        {3, 4096, 1 << 20},
                        {0, 4096, 1 << 20},
                        {1, 100, 1 << 20},
                        {4096, 512, 1 << 20},
                        {1, 4096, 1024},
                        {1 << 17, 1 << 17, 1 << 20},
                        {1, -1 << 31, 1 << 20}
                    }) {
                Claims claims = Claims.of(SIZE_BYTES, 1).withBlocks(sizes[0], sizes[1], sizes[2]);
                String message = refusal(peer -> peer.serve(claims, content));
                assertTrue(message.contains("NBD_INFO_BLOCK_SIZE"), message);
            }
        }

        @Test
        void aSizeBeyondAllBoundsIsRefused() throws IOException {
            Claims claims = Claims.of(-1, 1);
            String message = refusal(peer -> peer.serve(claims, content));
            assertTrue(message.contains("NBD_INFO_EXPORT"), message);
        }

        @Test
        void repliesToOtherOptionsOrWithoutMagicAreRefused() throws IOException {
            String other =
                    refusal(
                            peer -> {
                                peer.greet();
                                peer.optionReply(Nbd.OPT_LIST, Nbd.REP_ACK, new byte[0]);
                                peer.awaitEnd();
                            });
            assertTrue(other.contains("the reply to EXTENDED_HEADERS names LIST"), other);
            String magic =
                    refusal(
                            peer -> {
                                peer.greet();
                                peer.send(new byte[20]);
                                peer.awaitEnd();
                            });
            assertTrue(magic.contains("a reply starts with 0x0"), magic);
        }

        @Test
        void aReplyOfGigabytesIsRefused() throws IOException {
            String message =
                    refusal(
                            peer -> {
                                peer.greet();
                                peer.send(
                                        java.nio.ByteBuffer.allocate(20)
                                                .putLong(Nbd.OPTION_REPLY_MAGIC)
                                                .putInt(Nbd.OPT_EXTENDED_HEADERS)
                                                .putInt(Nbd.REP_ACK)
                                                .putInt(-1)
                                                .array());
                                peer.awaitEnd();
                            });
            assertTrue(message.contains("the reply to EXTENDED_HEADERS is too long"), message);
        }
    }
}

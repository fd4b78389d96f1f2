package org.unifiedvolume.targets.nbd.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.targets.nbd.NbdHost;
import org.unifiedvolume.targets.nbd.RawClient;
import org.unifiedvolume.targets.nbd.wire.Nbd;

/// What one client cannot take from the others.
class NbdLimitsTest {
    private static NbdLimits limits(int requestsInFlight, long bytesInFlight, long stallNanos) {
        NbdLimits all = NbdLimits.DEFAULT;
        return new NbdLimits(
                all.connections(),
                all.handshakeNanos(),
                all.options(),
                all.optionBytes(),
                all.payloadBytes(),
                requestsInFlight,
                bytesInFlight,
                stallNanos);
    }

    @Nested
    class Requests extends ServedVolume {
        @Test
        void waitWhenTooManyOfOneConnectionAreUnderWay() throws IOException {
            serve(limits(3, 32 << 20, 30_000_000_000L));
            fill();
            gate.hold(IoRequest.Read.class::isInstance);
            RawClient greedy = simple();
            for (int i = 0; i < 10; i++) {
                greedy.request(0, Nbd.CMD_READ, i, i * 10L, 10);
            }
            NbdHost.await("three are under way", () -> gate.heldCount() == 3);
            assertEquals(0, simple().call(0, Nbd.CMD_FLUSH, 0, 0).error());
            assertEquals(3, gate.heldCount());
            gate.letGo();
            for (int i = 0; i < 10; i++) {
                var reply = greedy.readReply(10);
                assertArrayEquals(pattern(reply.cookie() * 10, 10), reply.data());
            }
        }

        /// 24 MiB do not fit into the sockets of a client that reads nothing.
        private RawClient greedyForLongReads() throws IOException {
            serve();
            fill();
            RawClient greedy = simple();
            for (int i = 0; i < 24; i++) {
                greedy.request(0, Nbd.CMD_READ, i, 0, SIZE_BYTES);
            }
            greedy.request(0, Nbd.CMD_FLUSH, 24, 0, 0);
            NbdHost.await("the flush went past the reads", this::wasFlushed);
            return greedy;
        }

        private boolean wasFlushed() {
            return memory.asked().stream().anyMatch(IoRequest.Flush.class::isInstance);
        }

        private long readsAsked() {
            return memory.asked().stream().filter(IoRequest.Read.class::isInstance).count();
        }

        @Test
        void longReadsWaitWhileAnswersHaveNotLeft() throws IOException {
            RawClient greedy = greedyForLongReads();
            assertTrue(readsAsked() < 24, () -> readsAsked() + " reads were asked for");
            int reads = 0;
            for (int i = 0; i < 25; i++) {
                var reply = greedy.readReply(SIZE_BYTES, 24);
                assertEquals(0, reply.error());
                if (reply.cookie() != 24) {
                    assertArrayEquals(pattern(0, SIZE_BYTES), reply.data());
                    reads++;
                }
            }
            assertEquals(24, reads);
            assertEquals(24, readsAsked());
        }

        @Test
        void longReadsThatWaitEndWithTheirConnection() throws IOException {
            greedyForLongReads().close();
            NbdHost.await("nothing is admitted", () -> host.admission().admittedBytes() == 0);
            assertTrue(readsAsked() < 24, () -> readsAsked() + " reads were asked for");
        }

        @Test
        void waitWhenTheyHoldTooMuchMemory() throws IOException {
            serve(limits(256, 128 << 10, 30_000_000_000L));
            gate.hold(_ -> true);
            RawClient greedy = simple();
            for (int i = 0; i < 10; i++) {
                greedy.request(0, Nbd.CMD_READ, i, 0, 64 << 10);
            }
            NbdHost.await("two are under way", () -> gate.heldCount() == 2);
            RawClient writer = simple();
            for (int i = 0; i < 3; i++) {
                writer.send(
                        RawClient.join(
                                writer.header(0, Nbd.CMD_WRITE, i, 0, 64 << 10),
                                new byte[64 << 10]));
            }
            NbdHost.await("two more are under way", () -> gate.heldCount() == 4);
            assertEquals(4 * (64 << 10), host.admission().admittedBytes());
            gate.letGo();
            for (int i = 0; i < 10; i++) {
                greedy.readReply(64 << 10);
            }
            for (int i = 0; i < 3; i++) {
                writer.readReply(0);
            }
        }
    }

    @Nested
    class ReadersThatDoNotRead extends ServedVolume {
        @Test
        void holdNoMoreMemoryThanAllowedWhileOthersAreServed() throws IOException {
            serve(limits(256, 1 << 20, 30_000_000_000L));
            fill();
            RawClient lazy = simple();
            for (int i = 0; i < 100; i++) {
                lazy.request(0, Nbd.CMD_READ, i, 0, SIZE_BYTES);
            }
            RawClient other = simple();
            for (int i = 0; i < 100; i++) {
                assertArrayEquals(pattern(i, 1000), other.read(i, 1000).data());
                assertTrue(host.admission().admittedBytes() <= 3 << 20);
            }
            for (int i = 0; i < 100; i++) {
                assertEquals(i, lazy.readReply(SIZE_BYTES).cookie());
            }
        }

        @Test
        void areCutOffWhenOthersWaitForTheirMemory() throws IOException {
            serve(limits(256, 32 << 20, 100_000_000L));
            List<RawClient> lazy = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                lazy.add(simple());
                for (int j = 0; j < 40; j++) {
                    lazy.getLast().request(0, Nbd.CMD_READ, j, 0, SIZE_BYTES);
                }
            }
            NbdHost.await("all memory is taken", () -> host.admission().waiting() > 0);
            RawClient other = simple();
            assertEquals(0, other.write(0, 0, new byte[100_000]).error());
            NbdHost.await("a lazy one is cut off", () -> server.connectionCount() < 3);
        }

        @Test
        void whoStopInTheMiddleOfAPayloadAreCutOffToo() throws IOException {
            serve(limits(256, 32 << 20, 100_000_000L));
            RawClient half = simple();
            half.send(
                    RawClient.join(half.header(0, Nbd.CMD_WRITE, 1, 0, SIZE_BYTES), new byte[100]));
            NbdHost.await("it is admitted", () -> host.admission().admittedBytes() > 0);
            List<RawClient> lazy = List.of(simple(), simple());
            for (RawClient one : lazy) {
                for (int j = 0; j < 40; j++) {
                    one.request(0, Nbd.CMD_READ, j, 0, SIZE_BYTES);
                }
            }
            assertTrue(half.isClosedByServer());
        }

        @Test
        void whoResetTheConnectionLeaveNothingBehind() throws IOException {
            serve();
            for (int i = 0; i < 20; i++) {
                RawClient client = simple();
                for (int j = 0; j < 20; j++) {
                    client.request(0, Nbd.CMD_READ, j, 0, SIZE_BYTES);
                }
                NbdHost.await("replies wait", () -> host.admission().admittedBytes() > 8 << 20);
                client.socket().setSoLinger(true, 0);
                client.close();
                NbdHost.await("it is gone", () -> server.connectionCount() == 0);
                NbdHost.await("its memory is", () -> host.admission().admittedBytes() == 0);
            }
        }
    }

    @Nested
    class Connections extends ServedVolume {
        @Test
        void beyondTheLimitAreTurnedAway() throws IOException {
            serve(NbdLimits.DEFAULT.withConnections(2));
            RawClient first = simple();
            simple();
            assertTrue(connect().isClosedByServer());
            first.close();
            NbdHost.await("there is room again", () -> server.connectionCount() == 1);
            assertEquals(0, simple().read(0, 1).error());
        }

        @Test
        void thatSayNothingAreClosedAndKeepNobodyOut() throws IOException {
            serve(NbdLimits.DEFAULT.withHandshakeNanos(1_000_000_000L).withConnections(1100));
            long before = descriptors();
            List<Socket> silent = new ArrayList<>();
            for (int i = 0; i < 1000; i++) {
                silent.add(new Socket(InetAddress.getLoopbackAddress(), port()));
            }
            assertEquals(0, simple().read(0, 512).error());
            NbdHost.await("only the user is left", () -> server.connectionCount() == 1);
            for (Socket socket : silent) {
                socket.close();
            }
            NbdHost.await("the descriptors are closed", () -> descriptors() < before + 50);
        }

        private static long descriptors() {
            try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
                return open.count();
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
    }

    @Nested
    class Exports extends ServedVolume {
        @Test
        void ofOneServerAreServedSideBySide() throws IOException {
            serve();
            fill();
            server.add(new NbdExport("locked", volume, true));
            assertEquals(0, simple().write(0, 0, new byte[10]).error());
            try (RawClient reader = RawClient.simple(port(), "locked")) {
                assertEquals(1, reader.write(0, 0, new byte[10]).error());
                assertArrayEquals(new byte[10], reader.read(0, 10).data());
            }
        }

        @Test
        void cannotHaveTheSameName() throws IOException {
            serve();
            String message =
                    assertThrows(
                                    IllegalArgumentException.class,
                                    () -> server.add(new NbdExport("disk", volume, true)))
                            .getMessage();
            assertTrue(message.contains("offers an export named \"disk\" already"), message);
        }

        @Test
        void thatAreWithdrawnAnswerWhatWasAskedFirst() throws Exception {
            serve();
            fill();
            NbdExport other = new NbdExport("other", volume, false);
            server.add(other);
            RawClient stays = simple();
            RawClient goes = RawClient.simple(port(), "other");
            gate.hold(IoRequest.Read.class::isInstance);
            goes.request(0, Nbd.CMD_READ, 9, 0, 100_000);
            NbdHost.await("the read waits", () -> gate.heldCount() == 1);
            CompletableFuture<Void> withdrawal =
                    CompletableFuture.runAsync(() -> server.remove(other, NbdHost.PATIENCE_NANOS));
            NbdHost.await("it is withdrawn", () -> server.find("other") == null);
            assertFalse(withdrawal.isDone());
            gate.letGo();
            assertArrayEquals(pattern(0, 100_000), goes.readReply(100_000).data());
            assertTrue(goes.isClosedByServer());
            withdrawal.get();
            assertEquals(0, stays.read(0, 1).error());
            goes.close();
        }

        @Test
        void thatAreWithdrawnDoNotWaitForEver() throws IOException {
            serve();
            RawClient client = simple();
            gate.hold(_ -> true);
            client.request(0, Nbd.CMD_READ, 9, 0, 100_000);
            NbdHost.await("the read waits", () -> gate.heldCount() == 1);
            server.remove(server.find("disk"), 50_000_000L);
            assertTrue(client.isClosedByServer());
            assertEquals(0, server.connectionCount());
        }

        @Test
        void advertiseNoLongerPayloadThanTheVolumeTakes() throws IOException {
            DeviceShape plain = DeviceShape.ofMemory(SIZE_BYTES);
            serve(
                    NbdLimits.DEFAULT,
                    new DeviceShape(SIZE_BYTES, 1, 4096, 64 << 10, 1, plain.abilities()),
                    false);
            RawClient client = greeted();
            var replies = client.go("disk", Nbd.INFO_BLOCK_SIZE);
            assertEquals(64 << 10, replies.get(1).buffer().getInt(10));
            assertEquals(22, client.call(0, Nbd.CMD_READ, 0, (64 << 10) + 1).error());
            assertEquals(22, client.write(0, 0, new byte[(64 << 10) + 1]).error());
            assertEquals(0, client.read(0, 64 << 10).error());
            assertEquals(2, memory.asked().size() + 1);
        }
    }

    @Nested
    class AServerThatIsClosed extends ServedVolume {
        @Test
        void answersWhatIsUnderWayAndTakesNobodyNew() throws IOException {
            serve();
            fill();
            RawClient client = simple();
            RawClient idle = simple();
            RawClient handshaking = greeted();
            gate.hold(IoRequest.Read.class::isInstance);
            client.request(0, Nbd.CMD_READ, 9, 0, 1000);
            NbdHost.await("the read waits", () -> gate.heldCount() == 1);
            int port = port();
            server.close();
            assertTrue(idle.isClosedByServer());
            assertTrue(handshaking.isClosedByServer());
            gate.letGo();
            assertArrayEquals(pattern(0, 1000), client.readReply(1000).data());
            assertTrue(client.isClosedByServer());
            NbdHost.await("nobody is let in", () -> isRefused(port));
        }

        private static boolean isRefused(int port) {
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                return !socket.isConnected();
            } catch (IOException e) {
                return true;
            }
        }
    }
}

package org.unifiedvolume.targets.nbd.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.targets.nbd.NbdHost;
import org.unifiedvolume.targets.nbd.RawClient;
import org.unifiedvolume.targets.nbd.RawClient.Reply;
import org.unifiedvolume.targets.nbd.wire.Nbd;

/// The transmission phase of single layouts, of several clients, and of clients that leave.
class NbdSessionTest {
    private static final int EINVAL = 22;
    private static final int ENOSPC = 28;
    private static final int EOVERFLOW = 75;

    @Nested
    class HugeLengths extends ServedVolume {
        @Test
        void ofAWriteEndTheConnection() throws IOException {
            serve();
            RawClient client = simple();
            client.request(0, Nbd.CMD_WRITE, 1, 0, 0xffff_ffffL);
            assertTrue(client.isClosedByServer());
        }

        @Test
        void ofAnExtendedPayloadEndTheConnection() throws IOException {
            serve();
            for (long length : new long[] {-1, Long.MIN_VALUE, 1L << 32}) {
                RawClient client = extended();
                client.request(Nbd.CMD_FLAG_PAYLOAD_LEN, Nbd.CMD_WRITE, 1, 0, length);
                assertTrue(client.isClosedByServer());
            }
        }

        @Test
        void ofOtherRequestsAreRefused() throws IOException {
            serve();
            RawClient simple = simple();
            assertEquals(EINVAL, simple.call(0, Nbd.CMD_READ, 0, 0xffff_ffffL).error());
            assertEquals(EINVAL, simple.call(0, Nbd.CMD_TRIM, 0, 0xffff_ffffL).error());
            RawClient extended = extended();
            assertEquals(EINVAL, extended.call(0, Nbd.CMD_READ, 0, -1).error());
            assertEquals(ENOSPC, extended.call(0, Nbd.CMD_WRITE_ZEROES, 0, -1).error());
            assertEquals(EINVAL, extended.call(0, Nbd.CMD_BLOCK_STATUS, 0, -1).error());
            assertEquals(0, extended.read(0, 1).error());
        }

        @Test
        void beyondThePayloadLimitAreRefusedAndSkipped() throws IOException {
            NbdLimits all = NbdLimits.DEFAULT;
            serve(
                    new NbdLimits(
                            all.connections(),
                            all.handshakeNanos(),
                            all.options(),
                            all.optionBytes(),
                            10_000,
                            all.requestsInFlight(),
                            all.bytesInFlight(),
                            all.stallNanos()));
            RawClient simple = simple();
            assertEquals(EINVAL, simple.call(0, Nbd.CMD_READ, 0, 10_001).error());
            assertEquals(EINVAL, simple.write(0, 0, new byte[15_000]).error());
            assertEquals(0, simple.write(0, 0, new byte[10_000]).error());
            Reply reply = structured().call(0, Nbd.CMD_READ, 0, 10_001);
            assertEquals(EOVERFLOW, reply.error());
            assertEquals("a read of 10001 bytes; the limit is 10000", reply.text());
        }
    }

    @Nested
    class ExtendedHeaders extends ServedVolume {
        @Test
        void writesNeedThePayloadFlag() throws IOException {
            serve();
            RawClient client = extended();
            Reply reply = client.call(0, Nbd.CMD_WRITE, 0, 100);
            assertEquals(EINVAL, reply.error());
            assertEquals("a write without a payload", reply.text());
            assertEquals(0, client.read(0, 1).error());
        }

        @Test
        void aPayloadThatDoesNotBelongThereIsSkipped() throws IOException {
            serve();
            RawClient client = extended();
            for (int type : new int[] {Nbd.CMD_READ, Nbd.CMD_TRIM, Nbd.CMD_FLUSH, 33}) {
                client.send(
                        RawClient.join(
                                client.header(Nbd.CMD_FLAG_PAYLOAD_LEN, type, 4, 0, 5000),
                                new byte[5000]));
                assertEquals(EINVAL, client.readReply(0).error());
            }
            assertEquals(0, client.read(0, 1).error());
        }
    }

    @Nested
    class SeveralConnections extends ServedVolume {
        @Test
        void aFlushOnOneReachesTheDeviceAfterWritesAcknowledgedOnAnother() throws Exception {
            serve();
            RawClient one = simple();
            RawClient other = simple();
            for (int i = 0; i < 50; i++) {
                assertEquals(0, one.write(0, i * 512L, new byte[512]).error());
                assertEquals(0, other.call(0, Nbd.CMD_FLUSH, 0, 0).error());
                List<IoRequest> asked = memory.asked();
                assertTrue(asked.get(asked.size() - 2) instanceof IoRequest.Write);
                assertTrue(asked.getLast() instanceof IoRequest.Flush);
            }
        }

        @Test
        void doNotMixUpTheirReplies() throws Exception {
            serve();
            fill();
            int count = 8;
            try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
                List<Callable<Void>> users = new java.util.ArrayList<>();
                for (int user = 0; user < count; user++) {
                    long start = user * 100_000L;
                    RawClient client = user % 2 == 0 ? simple() : extended();
                    users.add(
                            () -> {
                                for (int i = 0; i < 100; i++) {
                                    byte[] read = client.read(start + i, 5000).data();
                                    assertArrayEquals(pattern(start + i, 5000), read);
                                }
                                return null;
                            });
                }
                for (Future<Void> user : clients.invokeAll(users)) {
                    user.get();
                }
            }
        }
    }

    @Nested
    class ClientsThatLeave extends ServedVolume {
        @Test
        void inTheMiddleOfAHeaderLeaveNothingBehind() throws IOException {
            serve();
            RawClient client = simple();
            client.send(java.util.Arrays.copyOf(client.header(0, Nbd.CMD_READ, 1, 0, 9), 13));
            client.close();
            assertEquals(0, simple().read(0, 1).error());
        }

        @Test
        void inTheMiddleOfAPayloadLeaveNothingBehind() throws IOException {
            serve();
            for (int sent : new int[] {0, 1, 100_000}) {
                RawClient client = simple();
                client.send(
                        RawClient.join(
                                client.header(0, Nbd.CMD_WRITE, 1, 0, 500_000), new byte[sent]));
                NbdHost.await("it is admitted", () -> host.admission().admittedBytes() > 0);
                client.close();
                NbdHost.await("it is gone", () -> host.admission().admittedBytes() == 0);
            }
            assertEquals(List.of(), memory.asked());
        }

        @Test
        void whileTheirRequestsAreUnderWayLeaveNothingBehind() throws IOException {
            serve();
            gate.hold(_ -> true);
            RawClient client = simple();
            client.request(0, Nbd.CMD_READ, 1, 0, 100_000);
            client.send(RawClient.join(client.header(0, Nbd.CMD_WRITE, 2, 0, 100), new byte[100]));
            NbdHost.await("both wait", () -> gate.heldCount() == 2);
            client.close();
            NbdHost.await("it is gone", () -> server.connectionCount() == 0);
            gate.letGo();
            assertEquals(2, memory.asked().size());
        }
    }

    @Nested
    class AlignedMemory extends ServedVolume {
        @Test
        void isWhatADeviceForDirectIoGets() throws IOException {
            DeviceShape plain = DeviceShape.ofMemory(SIZE_BYTES);
            serve(
                    NbdLimits.DEFAULT,
                    new DeviceShape(
                            SIZE_BYTES, 1, 4096, plain.maxTransferBytes(), 4096, plain.abilities()),
                    false);
            boolean[] aligned = {true};
            gate.answer(
                    request -> {
                        aligned[0] &=
                                !(request instanceof IoRequest.Write write)
                                        || write.source().isAligned(4096);
                        return null;
                    });
            RawClient client = structured();
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            for (int i = 0; i < 10; i++) {
                all.writeBytes(client.header(0, Nbd.CMD_WRITE, i, i * 8192L, 8192));
                all.writeBytes(pattern(i * 8192L, 8192));
            }
            client.send(all.toByteArray());
            for (int i = 0; i < 10; i++) {
                assertEquals(0, client.readReply(0).error());
            }
            assertTrue(aligned[0], "a payload lies off the grid");
            assertArrayEquals(pattern(0, 81_920), stored(0, 81_920));
            assertEquals(EINVAL, client.write(1 << 15, 0, new byte[300_000]).error());
            assertArrayEquals(pattern(0, 100), client.read(0, 100).data());
        }
    }
}

package org.unifiedvolume.targets.nbd.export;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.targets.nbd.NbdHost;
import org.unifiedvolume.targets.nbd.RawClient;
import org.unifiedvolume.targets.nbd.RawClient.Reply;
import org.unifiedvolume.targets.nbd.wire.Nbd;

class NbdTransmissionTest {
    private static final int EPERM = 1;
    private static final int EIO = 5;
    private static final int ENOMEM = 12;
    private static final int EINVAL = 22;
    private static final int ENOSPC = 28;
    private static final int ENOTSUP = 95;
    private static final int ESHUTDOWN = 108;

    /// A server's tests with each layout of replies.
    abstract static class Served extends ServedVolume {
        RawClient client(Negotiated.Replies layout) throws IOException {
            return switch (layout) {
                case SIMPLE -> simple();
                case STRUCTURED -> structured();
                case EXTENDED -> extended();
            };
        }

        IoRequest lastAsked() {
            return memory.asked().getLast();
        }
    }

    @Nested
    class WithEveryLayoutOfReplies extends Served {
        @ParameterizedTest
        @EnumSource(Negotiated.Replies.class)
        void readsReturnWhatIsStored(Negotiated.Replies layout) throws IOException {
            serve();
            fill();
            RawClient client = client(layout);
            for (int length : new int[] {1, 512, 4096, 70_000, SIZE_BYTES}) {
                Reply reply = client.read(SIZE_BYTES - length, length);
                assertEquals(0, reply.error());
                assertEquals(77, reply.cookie());
                assertTrue(reply.last());
                assertEquals(
                        layout == Negotiated.Replies.SIMPLE ? -1 : Nbd.REPLY_TYPE_OFFSET_DATA,
                        reply.type());
                assertEquals(
                        layout == Negotiated.Replies.SIMPLE ? 0 : SIZE_BYTES - length,
                        reply.offset());
                assertArrayEquals(pattern(SIZE_BYTES - length, length), reply.data());
            }
        }

        @ParameterizedTest
        @EnumSource(Negotiated.Replies.class)
        void writesStoreWhatIsSent(Negotiated.Replies layout) throws IOException {
            serve();
            RawClient client = client(layout);
            for (int length : new int[] {1, 512, 40_000, 300_000}) {
                assertEquals(0, client.write(0, 4711, pattern(length, length)).error());
                assertArrayEquals(pattern(length, length), stored(4711, length));
                IoRequest.Write asked = (IoRequest.Write) lastAsked();
                assertEquals(Durability.VOLATILE, asked.durability());
            }
        }

        @ParameterizedTest
        @EnumSource(Negotiated.Replies.class)
        void forcedUnitAccessReachesTheDevice(Negotiated.Replies layout) throws IOException {
            serve();
            RawClient client = client(layout);
            assertEquals(0, client.write(Nbd.CMD_FLAG_FUA, 0, new byte[512]).error());
            assertEquals(Durability.DURABLE, ((IoRequest.Write) lastAsked()).durability());
            assertEquals(0, client.call(Nbd.CMD_FLAG_FUA, Nbd.CMD_TRIM, 0, 512).error());
            assertEquals(Durability.DURABLE, ((IoRequest.Discard) lastAsked()).durability());
            assertEquals(0, client.call(Nbd.CMD_FLAG_FUA, Nbd.CMD_WRITE_ZEROES, 0, 512).error());
            assertEquals(Durability.DURABLE, ((IoRequest.Zero) lastAsked()).durability());
            assertEquals(0, client.call(Nbd.CMD_FLAG_FUA, Nbd.CMD_FLUSH, 0, 0).error());
            assertEquals(0, client.call(Nbd.CMD_FLAG_FUA, Nbd.CMD_READ, 0, 512).error());
        }

        @ParameterizedTest
        @EnumSource(Negotiated.Replies.class)
        void everyOtherCommandBecomesItsRequest(Negotiated.Replies layout) throws IOException {
            serve();
            fill();
            RawClient client = client(layout);
            assertEquals(0, client.call(0, Nbd.CMD_FLUSH, 0, 0).error());
            assertTrue(lastAsked() instanceof IoRequest.Flush);
            assertEquals(0, client.call(0, Nbd.CMD_TRIM, 100, 200).error());
            assertEquals(100, lastAsked().offsetBytes());
            assertEquals(200, lastAsked().lengthBytes());
            assertArrayEquals(new byte[200], stored(100, 200));
            assertEquals(0, client.call(0, Nbd.CMD_CACHE, 300, 400).error());
            assertTrue(lastAsked() instanceof IoRequest.Prefetch);
            assertEquals(0, client.call(0, Nbd.CMD_WRITE_ZEROES, 500, 600).error());
            IoRequest.Zero zero = (IoRequest.Zero) lastAsked();
            assertTrue(zero.mayUnmap() && !zero.fastOnly());
            assertArrayEquals(new byte[600], stored(500, 600));
            client.call(Nbd.CMD_FLAG_NO_HOLE, Nbd.CMD_WRITE_ZEROES, 0, 512);
            assertTrue(!((IoRequest.Zero) lastAsked()).mayUnmap());
            client.call(Nbd.CMD_FLAG_FAST_ZERO, Nbd.CMD_WRITE_ZEROES, 0, 512);
            assertTrue(((IoRequest.Zero) lastAsked()).fastOnly());
        }

        @ParameterizedTest
        @EnumSource(Negotiated.Replies.class)
        void rangesBeyondTheEndAreRefused(Negotiated.Replies layout) throws IOException {
            serve();
            RawClient client = client(layout);
            long end = SIZE_BYTES;
            assertEquals(EINVAL, client.call(0, Nbd.CMD_READ, end - 1, 2).error());
            assertEquals(EINVAL, client.call(0, Nbd.CMD_READ, -1, 1).error());
            assertEquals(EINVAL, client.call(0, Nbd.CMD_READ, Long.MAX_VALUE, 1).error());
            assertEquals(EINVAL, client.call(0, Nbd.CMD_TRIM, end, 1).error());
            assertEquals(EINVAL, client.call(0, Nbd.CMD_CACHE, 0, end + 1).error());
            assertEquals(ENOSPC, client.call(0, Nbd.CMD_WRITE_ZEROES, end - 1, 2).error());
            assertEquals(ENOSPC, client.write(0, end - 100, new byte[101]).error());
            assertEquals(ENOSPC, client.write(0, -1, new byte[1]).error());
            assertEquals(0, client.read(0, 1).error());
            assertEquals(1, memory.asked().size());
        }

        @ParameterizedTest
        @EnumSource(Negotiated.Replies.class)
        void unknownCommandsAndFlagsAreRefused(Negotiated.Replies layout) throws IOException {
            serve();
            RawClient client = client(layout);
            assertEquals(EINVAL, client.call(0, 8, 0, 0).error());
            assertEquals(EINVAL, client.call(0, 0xffff, 0, 4096).error());
            assertEquals(EINVAL, client.call(1 << 15, Nbd.CMD_READ, 0, 1).error());
            assertEquals(EINVAL, client.call(Nbd.CMD_FLAG_REQ_ONE, Nbd.CMD_READ, 0, 1).error());
            assertEquals(EINVAL, client.call(Nbd.CMD_FLAG_NO_HOLE, Nbd.CMD_TRIM, 0, 1).error());
            assertEquals(EINVAL, client.call(Nbd.CMD_FLAG_DF, Nbd.CMD_FLUSH, 0, 0).error());
            assertEquals(EINVAL, client.write(Nbd.CMD_FLAG_NO_HOLE, 0, new byte[100]).error());
            assertEquals(EINVAL, client.call(0, Nbd.CMD_FLUSH, 4096, 0).error());
            assertEquals(EINVAL, client.call(0, Nbd.CMD_FLUSH, 0, 4096).error());
            assertEquals(0, client.read(0, 1).error());
        }

        @ParameterizedTest
        @EnumSource(Negotiated.Replies.class)
        void requestsOfNoBytesSucceed(Negotiated.Replies layout) throws IOException {
            serve();
            RawClient client = client(layout);
            assertEquals(0, client.read(100, 0).error());
            assertEquals(0, client.write(0, 100, new byte[0]).error());
            assertEquals(0, client.call(0, Nbd.CMD_TRIM, 100, 0).error());
            assertEquals(0, client.call(0, Nbd.CMD_WRITE_ZEROES, 100, 0).error());
            assertEquals(0, client.call(0, Nbd.CMD_CACHE, 100, 0).error());
            assertEquals(List.of(), memory.asked());
        }

        @ParameterizedTest
        @EnumSource(Negotiated.Replies.class)
        void aReadOnlyExportRefusesChangesAndSkipsTheirPayload(Negotiated.Replies layout)
                throws IOException {
            serve(NbdLimits.DEFAULT, DeviceShape.ofMemory(SIZE_BYTES), true);
            fill();
            RawClient client = client(layout);
            assertEquals(EPERM, client.write(0, 0, new byte[200_000]).error());
            assertEquals(EPERM, client.call(0, Nbd.CMD_TRIM, 0, 512).error());
            assertEquals(EPERM, client.call(0, Nbd.CMD_WRITE_ZEROES, 0, 512).error());
            assertArrayEquals(pattern(0, 512), client.read(0, 512).data());
            assertEquals(1, memory.asked().size());
        }

        @ParameterizedTest
        @EnumSource(Negotiated.Replies.class)
        void unalignedRequestsAreRefusedAndTheConnectionKept(Negotiated.Replies layout)
                throws IOException {
            DeviceShape plain = DeviceShape.ofMemory(SIZE_BYTES);
            serve(
                    NbdLimits.DEFAULT,
                    new DeviceShape(
                            SIZE_BYTES, 512, 4096, plain.maxTransferBytes(), 1, plain.abilities()),
                    false);
            RawClient client = RawClient.greeted(port());
            if (layout == Negotiated.Replies.STRUCTURED) {
                client.acknowledged(Nbd.OPT_STRUCTURED_REPLY, new byte[0]);
            }
            client.go("disk", Nbd.INFO_BLOCK_SIZE);
            assertEquals(EINVAL, client.call(0, Nbd.CMD_READ, 1, 512).error());
            assertEquals(EINVAL, client.call(0, Nbd.CMD_READ, 0, 511).error());
            assertEquals(EINVAL, client.call(0, Nbd.CMD_TRIM, 0, 100).error());
            assertEquals(EINVAL, client.write(0, 256, new byte[512]).error());
            assertEquals(EINVAL, client.write(0, 512, new byte[100]).error());
            assertEquals(0, client.write(0, 512, new byte[1024]).error());
            client.close();
        }

        @ParameterizedTest
        @EnumSource(Negotiated.Replies.class)
        void faultsOfTheDeviceBecomeErrorsOfTheProtocol(Negotiated.Replies layout)
                throws IOException {
            serve();
            RawClient client = client(layout);
            Map<DeviceFault.Kind, Integer> errors =
                    Map.of(
                            DeviceFault.Kind.IO, EIO,
                            DeviceFault.Kind.TIMED_OUT, EIO,
                            DeviceFault.Kind.DISCONNECTED, EIO,
                            DeviceFault.Kind.NO_SPACE, ENOSPC,
                            DeviceFault.Kind.NOT_SUPPORTED, EINVAL,
                            DeviceFault.Kind.BAD_RANGE, EINVAL,
                            DeviceFault.Kind.READ_ONLY, EPERM,
                            DeviceFault.Kind.NO_MEMORY, ENOMEM,
                            DeviceFault.Kind.STOPPING, ESHUTDOWN);
            for (DeviceFault.Kind kind : DeviceFault.Kind.values()) {
                gate.answer(_ -> Outcome.failed(kind, "the head fell off at 4711"));
                assertEquals(errors.get(kind), client.write(0, 0, new byte[10]).error());
                assertEquals(errors.get(kind), client.call(0, Nbd.CMD_FLUSH, 0, 0).error());
                Reply read = client.call(0, Nbd.CMD_READ, 0, 10);
                assertEquals(errors.get(kind), read.error());
                if (layout != Negotiated.Replies.SIMPLE) {
                    assertEquals("the head fell off at 4711", read.text());
                }
            }
            gate.answer(_ -> Outcome.failed(DeviceFault.Kind.NOT_SUPPORTED, "slow"));
            assertEquals(
                    ENOTSUP,
                    client.call(Nbd.CMD_FLAG_FAST_ZERO, Nbd.CMD_WRITE_ZEROES, 0, 512).error());
        }

        @ParameterizedTest
        @EnumSource(Negotiated.Replies.class)
        void aLongMessageIsCutSoThatAnyClientTakesIt(Negotiated.Replies layout) throws IOException {
            serve();
            RawClient client = client(layout);
            gate.answer(_ -> Outcome.failed(DeviceFault.Kind.IO, "x" + "ä".repeat(5000)));
            Reply reply = client.call(0, Nbd.CMD_READ, 0, 10);
            assertEquals(EIO, reply.error());
            assertTrue(reply.data().length <= 4096);
            assertTrue(!reply.text().contains("\ufffd"), "half a character was sent");
            gate.answer(_ -> null);
            assertEquals(0, client.read(0, 10).error());
        }

        @ParameterizedTest
        @EnumSource(Negotiated.Replies.class)
        void manyRequestsInOneSegmentAreAllAnsweredRight(Negotiated.Replies layout)
                throws IOException {
            serve();
            fill();
            RawClient client = client(layout);
            ByteArrayOutputStream all = new ByteArrayOutputStream();
            int count = 100;
            for (int i = 0; i < count; i++) {
                all.writeBytes(client.header(0, Nbd.CMD_READ, 1000 + i, i * 1000L, 1000));
            }
            client.send(all.toByteArray());
            for (int i = 0; i < count; i++) {
                Reply reply = client.readReply(1000);
                assertArrayEquals(pattern((reply.cookie() - 1000) * 1000, 1000), reply.data());
            }
        }

        @ParameterizedTest
        @EnumSource(Negotiated.Replies.class)
        void answersMayComeInAnyOrder(Negotiated.Replies layout) throws IOException {
            serve();
            fill();
            RawClient client = client(layout);
            gate.hold(request -> request.offsetBytes() < 5000);
            int pad = layout == Negotiated.Replies.EXTENDED ? Nbd.CMD_FLAG_PAYLOAD_LEN : 0;
            client.send(
                    RawClient.join(
                            client.header(0, Nbd.CMD_READ, 1, 0, 100),
                            client.header(pad, Nbd.CMD_WRITE, 2, 1000, 3),
                            "abc".getBytes(UTF_8),
                            client.header(0, Nbd.CMD_READ, 3, 2000, 100),
                            client.header(0, Nbd.CMD_READ, 4, 6000, 100)));
            assertEquals(4, client.readReply(100).cookie());
            NbdHost.await("three wait", () -> gate.heldCount() == 3);
            gate.letGo();
            Map<Long, byte[]> replies = new HashMap<>();
            for (int length : new int[] {100, 0, 100}) {
                Reply reply = client.readReply(length);
                replies.put(reply.cookie(), reply.data());
            }
            assertArrayEquals(pattern(0, 100), replies.get(1L));
            assertArrayEquals(pattern(2000, 100), replies.get(3L));
            assertArrayEquals("abc".getBytes(UTF_8), stored(1000, 3));
        }

        @ParameterizedTest
        @EnumSource(Negotiated.Replies.class)
        void requestsMayComeByteByByte(Negotiated.Replies layout) throws IOException {
            serve();
            fill();
            RawClient client = client(layout);
            int pad = layout == Negotiated.Replies.EXTENDED ? Nbd.CMD_FLAG_PAYLOAD_LEN : 0;
            byte[] payload = pattern(9, 50);
            byte[] all =
                    RawClient.join(
                            client.header(pad, Nbd.CMD_WRITE, 1, 7000, 50),
                            payload,
                            client.header(0, Nbd.CMD_READ, 2, 6990, 70));
            for (byte one : all) {
                client.send(new byte[] {one});
            }
            assertEquals(1, client.readReply(0).cookie());
            byte[] read = client.readReply(70).data();
            assertArrayEquals(pattern(6990, 10), java.util.Arrays.copyOf(read, 10));
            assertArrayEquals(payload, java.util.Arrays.copyOfRange(read, 10, 60));
        }

        @ParameterizedTest
        @EnumSource(Negotiated.Replies.class)
        void theWrongMagicEndsTheConnection(Negotiated.Replies layout) throws IOException {
            serve();
            RawClient client = client(layout);
            byte[] header = client.header(0, Nbd.CMD_READ, 1, 0, 100);
            header[2] ^= 1;
            client.send(header);
            assertTrue(client.isClosedByServer());
        }

        @ParameterizedTest
        @EnumSource(Negotiated.Replies.class)
        void disconnectingLetsWhatIsUnderWayBeAnswered(Negotiated.Replies layout)
                throws IOException {
            serve();
            fill();
            RawClient client = client(layout);
            gate.hold(_ -> true);
            client.request(0, Nbd.CMD_READ, 1, 0, 50_000);
            client.request(0, Nbd.CMD_DISC, 2, 0, 0);
            client.request(0, Nbd.CMD_READ, 3, 0, 100);
            NbdHost.await("the read waits", () -> gate.heldCount() == 1);
            gate.letGo();
            assertArrayEquals(pattern(0, 50_000), client.readReply(50_000).data());
            assertTrue(client.isClosedByServer());
            assertEquals(1, memory.asked().size());
        }
    }
}

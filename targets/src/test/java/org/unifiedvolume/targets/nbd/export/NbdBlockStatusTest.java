package org.unifiedvolume.targets.nbd.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.targets.nbd.RawClient;
import org.unifiedvolume.targets.nbd.RawClient.Reply;
import org.unifiedvolume.targets.nbd.wire.Nbd;

/// Where data is and where it lives, as clients are told.
class NbdBlockStatusTest {
    private static final int EIO = 5;
    private static final int EINVAL = 22;

    @Nested
    class BlockStatus extends ServedVolume {
        private static List<String> extents(Reply reply) {
            boolean wide = reply.type() == Nbd.REPLY_TYPE_BLOCK_STATUS_EXT;
            ByteBuffer data = reply.buffer();
            String context = "context " + data.getInt();
            if (wide) {
                assertEquals(data.getInt() * 16, data.remaining());
            }
            java.util.ArrayList<String> told = new java.util.ArrayList<>(List.of(context));
            while (data.hasRemaining()) {
                told.add(
                        wide
                                ? data.getLong() + ":" + data.getLong()
                                : data.getInt() + ":" + data.getInt());
            }
            return told;
        }

        private void tell(Extent... extents) {
            gate.answer(
                    request ->
                            request instanceof IoRequest.Locate
                                    ? new Outcome.Located(List.of(extents))
                                    : null);
        }

        private static Extent run(long length, Extent.Kind kind) {
            return new Extent(length, kind);
        }

        @Test
        void needsASelectedContext() throws IOException {
            serve();
            assertEquals(EINVAL, simple().call(0, Nbd.CMD_BLOCK_STATUS, 0, 4096).error());
        }

        @Test
        void tellsWhereDataIsAndWhereItLives() throws IOException {
            serve();
            gate.alternateLocality(10_000);
            tell(
                    run(1000, Extent.Kind.DATA),
                    run(2000, Extent.Kind.HOLE),
                    run(3000, Extent.Kind.HOLE),
                    run(4000, Extent.Kind.ZERO),
                    run(100_000, Extent.Kind.UNDEFINED));
            for (RawClient client : List.of(structured(), extended())) {
                Reply first = client.call(0, Nbd.CMD_BLOCK_STATUS, 5000, 20_000);
                assertTrue(!first.last());
                assertEquals(
                        List.of("context 1", "1000:0", "5000:3", "4000:2", "10000:1"),
                        extents(first));
                Reply second = client.readReply(0);
                assertTrue(second.last());
                assertEquals(List.of("context 2", "5000:0", "10000:1", "5000:0"), extents(second));
            }
        }

        @Test
        void tellsOfOneExtentIfThatIsAskedFor() throws IOException {
            serve();
            gate.alternateLocality(10_000);
            tell(run(1000, Extent.Kind.DATA), run(20_000, Extent.Kind.HOLE));
            for (RawClient client : List.of(structured(), extended())) {
                Reply first = client.call(Nbd.CMD_FLAG_REQ_ONE, Nbd.CMD_BLOCK_STATUS, 0, 20_000);
                assertEquals(List.of("context 1", "1000:0"), extents(first));
                assertEquals(List.of("context 2", "10000:0"), extents(client.readReply(0)));
            }
        }

        @Test
        void ofNoBytesOrBeyondTheEndIsRefused() throws IOException {
            serve();
            RawClient client = structured();
            assertEquals(EINVAL, client.call(0, Nbd.CMD_BLOCK_STATUS, 0, 0).error());
            assertEquals(EINVAL, client.call(0, Nbd.CMD_BLOCK_STATUS, SIZE_BYTES, 1).error());
        }

        @Test
        void reportsTheFaultOfTheDevice() throws IOException {
            serve();
            gate.answer(_ -> Outcome.failed(DeviceFault.Kind.IO, "cannot tell"));
            assertEquals(EIO, structured().call(0, Nbd.CMD_BLOCK_STATUS, 0, 512).error());
            Reply reply = extended().call(0, Nbd.CMD_BLOCK_STATUS, 0, 512);
            assertEquals(EIO, reply.error());
            assertEquals("cannot tell", reply.text());
        }

        private static Reply askSome(RawClient client, long length, int... contexts)
                throws IOException {
            ByteBuffer payload = ByteBuffer.allocate(8 + 4 * contexts.length).putLong(length);
            for (int context : contexts) {
                payload.putInt(context);
            }
            client.send(
                    RawClient.join(
                            client.header(
                                    Nbd.CMD_FLAG_PAYLOAD_LEN,
                                    Nbd.CMD_BLOCK_STATUS,
                                    9,
                                    4096,
                                    payload.capacity()),
                            payload.array()));
            return client.readReply(0);
        }

        @Test
        void mayChooseContextsByAPayload() throws IOException {
            serve();
            RawClient client = extended();
            Reply reply = askSome(client, 8192, 2);
            assertTrue(reply.last());
            assertEquals(List.of("context 2", "8192:0"), extents(reply));
            assertEquals(List.of("context 1", "8192:0"), extents(askSome(client, 8192, 2, 1)));
            assertEquals(List.of("context 2", "8192:0"), extents(client.readReply(0)));
        }

        @Test
        void refusesAPayloadThatMakesNoSense() throws IOException {
            serve();
            RawClient client = extended();
            assertEquals(EINVAL, askSome(client, 8192).error());
            assertEquals(EINVAL, askSome(client, 8192, 7).error());
            assertEquals(EINVAL, askSome(client, 8192, 1, 1).error());
            assertEquals(EINVAL, askSome(client, 8192, 1, 2, 2, 1).error());
            assertEquals(EINVAL, askSome(client, 0, 1).error());
            assertEquals(EINVAL, askSome(client, -5, 1).error());
            assertEquals(EINVAL, askSome(client, SIZE_BYTES, 1).error());
            assertEquals(0, client.read(0, 1).error());
        }

        @Test
        void ofAFinelyMixedVolumeDoesAsMuchWorkAsItTells() throws IOException {
            serve();
            gate.alternateLocality(1);
            RawClient client = structured();
            client.call(0, Nbd.CMD_BLOCK_STATUS, 0, SIZE_BYTES);
            List<String> told = extents(client.readReply(0));
            assertEquals(1024 + 1, told.size());
        }

        @Test
        void ofAVolumeInManyPiecesAsksForFewOfThem() throws IOException {
            serve();
            gate.piecesOfLocality(1);
            RawClient client = structured();
            client.call(0, Nbd.CMD_BLOCK_STATUS, 0, SIZE_BYTES);
            assertEquals(2, extents(client.readReply(0)).size());
            assertTrue(gate.localityRunsAsked() <= 4096, "the loop was held up");
        }
    }
}

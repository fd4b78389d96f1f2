package org.unifiedvolume.targets.nbd.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.provider.MethodSource;
import org.unifiedvolume.buffer.Admission;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.RequestIds;
import org.unifiedvolume.stack.OrderPolicy;
import org.unifiedvolume.stack.StackOptions;
import org.unifiedvolume.targets.nbd.Mutator;
import org.unifiedvolume.targets.nbd.RawClient;
import org.unifiedvolume.targets.nbd.wire.Nbd;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.MemoryStream;
import org.unifiedvolume.testkit.MemoryTransport;
import org.unifiedvolume.testkit.VirtualTime;
import org.unifiedvolume.trace.Tracer;
import org.unifiedvolume.volume.Lanes;
import org.unifiedvolume.volume.Volume;

/// Whatever a client sends, the server answers by the protocol or closes the connection, and leaves
/// nothing behind.
///
/// The first byte of an input chooses how far a valid client has come before the other bytes are
/// sent, the second one in pieces of which length they arrive and what the export can. In a normal
/// build the stored inputs are replayed, and mutated for two seconds; `mvn -Pfuzz test -pl targets
/// -am` looks for new ones.
class NbdServerFuzzTest {
    private static final int SIZE_BYTES = 64 * 1024;
    private static final long MUTATE_NANOS = 2_000_000_000L;
    private static final BufferPool POOL = new BufferPool(16 << 20);

    /// How far the valid client comes.
    private enum Prefix {
        NOTHING,
        FLAGS,
        STRUCTURED_OPTION,
        SIMPLE,
        STRUCTURED,
        EXTENDED
    }

    @MethodSource("seeds")
    @FuzzTest(maxDuration = "2m")
    void anyBytesFromAClient(byte[] input) {
        serve(input);
    }

    @Test
    void mutatedSessionsOfClients() {
        Mutator.run(seeds(), MUTATE_NANOS, NbdServerFuzzTest::serve);
    }

    @Test
    void validSessionsAreServed() {
        for (byte[] seed : seeds()) {
            assertTrue(serve(seed) > 30, Arrays.toString(seed));
        }
    }

    // ----------------------------------------------------------------------- one session

    /// @return how many bytes the server sent
    private static int serve(byte[] input) {
        Prefix prefix = Prefix.values()[input.length == 0 ? 0 : (input[0] & 0xff) % 6];
        int style = input.length < 2 ? 0 : input[1] & 0xff;
        byte[] rest = input.length < 2 ? new byte[0] : Arrays.copyOfRange(input, 2, input.length);

        VirtualTime time = new VirtualTime();
        IoContext io = new IoContext(POOL, time, new RequestIds());
        Admission admission = new Admission(4 << 20);
        MemoryTransport transport = new MemoryTransport(time, POOL);
        Volume volume = volume(style, io);
        try (NbdServer server = listen(transport, admission)) {
            server.add(new NbdExport("disk", volume, (style & 8) != 0));
            MemoryStream stream = transport.connect();
            stream.feed(handshake(prefix));
            time.advance(0);
            int handshakeBytes = stream.takeSent().length;
            for (byte[] piece : pieces(rest, style & 3)) {
                stream.feed(piece);
                time.advance(0);
            }
            time.advance(1_000_000);
            byte[] sent = stream.takeSent();
            if (prefix == Prefix.STRUCTURED || prefix == Prefix.EXTENDED) {
                checkReplies(sent, prefix == Prefix.EXTENDED);
            }
            time.advance(60_000_000_000L);
            stream.feedEnd();
            time.runUntilIdle();
            assertEquals(0, server.connectionCount());
            assertEquals(0, admission.admittedBytes());
            assertEquals(0, volume.underWayCount());
            assertEquals(0, POOL.outstandingBytes());
            return handshakeBytes + sent.length;
        }
    }

    private static NbdServer listen(MemoryTransport transport, Admission admission) {
        try {
            return NbdServer.listen(
                    transport,
                    InetSocketAddress.createUnresolved("memory", 1),
                    NbdLimits.DEFAULT,
                    null,
                    admission);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Volume volume(int style, IoContext io) {
        DeviceShape plain = DeviceShape.ofMemory(SIZE_BYTES);
        int block = (style & 4) == 0 ? 1 : 512;
        int alignment = (style & 16) == 0 ? 1 : 4096;
        DeviceShape shape =
                new DeviceShape(
                        SIZE_BYTES,
                        block,
                        4096,
                        plain.maxTransferBytes(),
                        alignment,
                        plain.abilities());
        return new Volume(
                "media",
                new MemoryDevice(shape, Locality.LOCAL, io),
                List.of(),
                new Lanes(),
                new Tracer(io.timers()),
                StackOptions.ofVolume(OrderPolicy.Named.FIFO, 64),
                io);
    }

    private static List<byte[]> pieces(byte[] all, int style) {
        int length =
                switch (style) {
                    case 0 -> Math.max(1, all.length);
                    case 1 -> 1;
                    case 2 -> 29;
                    default -> 1000;
                };
        List<byte[]> pieces = new ArrayList<>();
        for (int at = 0; at < all.length; at += length) {
            pieces.add(Arrays.copyOfRange(all, at, Math.min(all.length, at + length)));
        }
        return pieces;
    }

    /// Every reply is whole and of a kind that was agreed on.
    private static void checkReplies(byte[] sent, boolean extended) {
        ByteBuffer replies = ByteBuffer.wrap(sent);
        while (replies.hasRemaining()) {
            int start = replies.position();
            int magic = replies.getInt();
            if (!extended && magic == Nbd.SIMPLE_REPLY_MAGIC) {
                replies.position(start + 16);
            } else if (extended) {
                assertEquals(Nbd.EXTENDED_REPLY_MAGIC, magic);
                replies.position(start + 32 + Math.toIntExact(replies.getLong(start + 24)));
            } else {
                assertEquals(Nbd.STRUCTURED_REPLY_MAGIC, magic);
                replies.position(start + 20 + replies.getInt(start + 16));
            }
        }
    }

    // ----------------------------------------------------------------------------- inputs

    private static byte[] handshake(Prefix prefix) {
        byte[] flags = {0, 0, 0, 3};
        byte[] go = option(Nbd.OPT_GO, RawClient.exportData("disk", Nbd.INFO_BLOCK_SIZE));
        byte[] structured = option(Nbd.OPT_STRUCTURED_REPLY, new byte[0]);
        byte[] contexts = option(Nbd.OPT_SET_META_CONTEXT, contexts());
        return switch (prefix) {
            case NOTHING -> new byte[0];
            case FLAGS -> flags;
            case STRUCTURED_OPTION -> RawClient.join(flags, structured);
            case SIMPLE -> RawClient.join(flags, go);
            case STRUCTURED -> RawClient.join(flags, structured, contexts, go);
            case EXTENDED ->
                    RawClient.join(
                            flags, option(Nbd.OPT_EXTENDED_HEADERS, new byte[0]), contexts, go);
        };
    }

    private static byte[] contexts() {
        try {
            return RawClient.contextData("disk", Nbd.CONTEXT_ALLOCATION, Nbd.CONTEXT_LOCALITY);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] option(int option, byte[] data) {
        return ByteBuffer.allocate(16 + data.length)
                .putLong(Nbd.IHAVEOPT)
                .putInt(option)
                .putInt(data.length)
                .put(data)
                .array();
    }

    private static byte[] request(
            boolean extended, int flags, int type, long offset, long length, byte... payload) {
        ByteBuffer all = ByteBuffer.allocate((extended ? 32 : 28) + payload.length);
        all.putInt(extended ? Nbd.EXTENDED_REQUEST_MAGIC : Nbd.REQUEST_MAGIC);
        all.putShort((short) flags).putShort((short) type).putLong(4711 + type).putLong(offset);
        if (extended) {
            all.putLong(length);
        } else {
            all.putInt((int) length);
        }
        return all.put(payload).array();
    }

    /// Every command once.
    private static byte[] requests(boolean extended) {
        int payload = extended ? Nbd.CMD_FLAG_PAYLOAD_LEN : 0;
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.writeBytes(request(extended, 0, Nbd.CMD_READ, 4096, 512));
        all.writeBytes(request(extended, payload, Nbd.CMD_WRITE, 512, 512, new byte[512]));
        all.writeBytes(request(extended, 0, Nbd.CMD_FLUSH, 0, 0));
        all.writeBytes(request(extended, Nbd.CMD_FLAG_FUA, Nbd.CMD_TRIM, 512, 1024));
        all.writeBytes(request(extended, 0, Nbd.CMD_CACHE, 0, 4096));
        all.writeBytes(request(extended, Nbd.CMD_FLAG_NO_HOLE, Nbd.CMD_WRITE_ZEROES, 0, 512));
        all.writeBytes(request(extended, Nbd.CMD_FLAG_REQ_ONE, Nbd.CMD_BLOCK_STATUS, 0, 8192));
        if (extended) {
            byte[] some = ByteBuffer.allocate(12).putLong(4096).putInt(2).array();
            all.writeBytes(request(true, payload, Nbd.CMD_BLOCK_STATUS, 0, 12, some));
        }
        all.writeBytes(request(extended, 0, Nbd.CMD_READ, SIZE_BYTES, 512));
        all.writeBytes(request(extended, 0, Nbd.CMD_DISC, 0, 0));
        return all.toByteArray();
    }

    /// Valid sessions, from which the mutations start.
    private static List<byte[]> seeds() {
        List<byte[]> seeds = new ArrayList<>();
        byte[] options =
                RawClient.join(
                        option(Nbd.OPT_LIST, new byte[0]),
                        option(Nbd.OPT_INFO, RawClient.exportData("disk", 0, 1, 2, 3)),
                        option(Nbd.OPT_LIST_META_CONTEXT, contexts()),
                        option(Nbd.OPT_EXTENDED_HEADERS, new byte[0]),
                        option(Nbd.OPT_SET_META_CONTEXT, contexts()),
                        option(Nbd.OPT_STARTTLS, new byte[0]),
                        option(77, new byte[9]));
        byte[] byName = option(Nbd.OPT_EXPORT_NAME, "disk".getBytes(StandardCharsets.UTF_8));
        for (int style : new int[] {0, 1, 2, 4, 8, 16, 20}) {
            seeds.add(session(Prefix.FLAGS, style, options));
            seeds.add(session(Prefix.STRUCTURED_OPTION, style, options));
            seeds.add(session(Prefix.SIMPLE, style, requests(false)));
            seeds.add(session(Prefix.STRUCTURED, style, requests(false)));
            seeds.add(session(Prefix.EXTENDED, style, requests(true)));
        }
        byte[] whole = RawClient.join(new byte[] {0, 0, 0, 3}, byName, requests(false));
        seeds.add(session(Prefix.NOTHING, 0, whole));
        seeds.add(
                session(
                        Prefix.FLAGS,
                        3,
                        RawClient.join(option(Nbd.OPT_ABORT, new byte[0]), options)));
        return seeds;
    }

    private static byte[] session(Prefix prefix, int style, byte[] rest) {
        return RawClient.join(new byte[] {(byte) prefix.ordinal(), (byte) style}, rest);
    }
}

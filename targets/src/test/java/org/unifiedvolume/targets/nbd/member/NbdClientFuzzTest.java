package org.unifiedvolume.targets.nbd.member;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.provider.MethodSource;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.request.RequestIds;
import org.unifiedvolume.targets.nbd.Mutator;
import org.unifiedvolume.targets.nbd.NbdAddress;
import org.unifiedvolume.targets.nbd.NbdHost;
import org.unifiedvolume.targets.nbd.RawClient;
import org.unifiedvolume.targets.nbd.wire.Nbd;
import org.unifiedvolume.testkit.MemoryStream;
import org.unifiedvolume.testkit.MemoryTransport;
import org.unifiedvolume.testkit.VirtualTime;
import org.unifiedvolume.transport.Transport;

/// Whatever a server sends, the member answers each of its requests once, with what was sent or
/// with a fault, and leaves nothing behind.
///
/// The first byte of an input chooses how far a valid server has come before the other bytes are
/// sent, the second one in pieces of which length they arrive. In a normal build the stored inputs
/// are replayed, and mutated for two seconds; `mvn -Pfuzz test -pl targets -am` looks for new ones.
class NbdClientFuzzTest {
    private static final int SIZE_BYTES = 64 * 1024;
    private static final long MUTATE_NANOS = 2_000_000_000L;
    private static final long DEADLINE_NANOS = 1_000_000_000L;
    private static final BufferPool POOL = new BufferPool(16 << 20);
    private static final Buffers SOURCE = Buffers.outsidePool(Arena.global().allocate(512, 4096));

    /// How far the valid server comes.
    private enum Prefix {
        NOTHING,
        GREETING,
        SIMPLE,
        STRUCTURED,
        EXTENDED
    }

    /// What became of a session.
    ///
    /// @param connected whether the device could be used
    /// @param succeeded how many of its requests were carried out
    private record Session(boolean connected, int succeeded) {}

    @MethodSource("seeds")
    @FuzzTest(maxDuration = "2m")
    void anyBytesFromAServer(byte[] input) {
        use(input);
    }

    @Test
    void mutatedSessionsOfServers() {
        Mutator.run(seeds(), MUTATE_NANOS, NbdClientFuzzTest::use);
    }

    @Test
    void validSessionsAreUsed() {
        for (byte[] seed : seeds()) {
            Session session = use(seed);
            assertTrue(session.connected, Arrays.toString(seed));
            if (seed[0] >= Prefix.SIMPLE.ordinal()) {
                assertEquals(REQUESTS, session.succeeded, Arrays.toString(seed));
            }
        }
    }

    // ----------------------------------------------------------------------- one session

    private static final int REQUESTS = 6;

    private static Session use(byte[] input) {
        Prefix prefix = Prefix.values()[input.length == 0 ? 0 : (input[0] & 0xff) % 5];
        int style = input.length < 2 ? 0 : input[1] & 3;
        byte[] rest = input.length < 2 ? new byte[0] : Arrays.copyOfRange(input, 2, input.length);

        VirtualTime time = new VirtualTime();
        IoContext io = new IoContext(POOL, time, new RequestIds());
        MemoryTransport transport = new MemoryTransport(time, POOL);
        CompletableFuture<Void> first = new CompletableFuture<>();
        NbdDevice device = NbdDevice.begin(options(), transport, io, first);
        Transport.Dialled dial = transport.nextDial(NbdHost.PATIENCE_NANOS);
        assertNotNull(dial);
        MemoryStream stream = transport.answer(dial);
        stream.feed(handshake(prefix));
        time.advance(0);
        List<Integer> told = new ArrayList<>();
        int[] succeeded = {0};
        boolean asked = first.isDone() && !first.isCompletedExceptionally();
        if (asked) {
            submitAll(device, io, told, succeeded);
            time.advance(0);
        }
        int length = new int[] {Math.max(1, rest.length), 1, 29, 1000}[style];
        for (int at = 0; at < rest.length && stream.isOpen(); at += length) {
            stream.feed(Arrays.copyOfRange(rest, at, Math.min(rest.length, at + length)));
            time.advance(0);
        }
        time.advance(3 * DEADLINE_NANOS);
        stream.feedEnd();
        time.advance(3 * DEADLINE_NANOS);
        device.close();
        time.advance(0);
        assertTrue(first.isDone());
        for (int i = 0; asked && i < REQUESTS; i++) {
            assertEquals(1, java.util.Collections.frequency(told, i), "answers to request " + i);
        }
        assertEquals(0, POOL.outstandingBytes());
        return new Session(!first.isCompletedExceptionally(), succeeded[0]);
    }

    private static NbdOptions options() {
        try {
            return new NbdOptions(
                    "nbd://fuzz/disk",
                    NbdAddress.of(NbdHost.uri("nbd://127.0.0.1/disk")),
                    null,
                    false,
                    1,
                    DEADLINE_NANOS,
                    DEADLINE_NANOS,
                    1 << 20);
        } catch (ConfigFault e) {
            throw new AssertionError(e);
        }
    }

    private static void submitAll(
            NbdDevice device, IoContext io, List<Integer> told, int[] succeeded) {
        List<IoRequest> requests =
                List.of(
                        new IoRequest.Read(tag(io, Operation.READ, 4096, 512), 4096, 512),
                        new IoRequest.Read(tag(io, Operation.READ, 0, 3), 0, 3),
                        new IoRequest.Write(
                                tag(io, Operation.WRITE, 0, 512), 0, SOURCE, Durability.VOLATILE),
                        new IoRequest.Locate(tag(io, Operation.LOCATE, 0, 8192), 0, 8192),
                        new IoRequest.Zero(
                                tag(io, Operation.ZERO, 512, 512),
                                512,
                                512,
                                true,
                                false,
                                Durability.DURABLE),
                        new IoRequest.Flush(tag(io, Operation.FLUSH, 0, 0)));
        for (int i = 0; i < REQUESTS; i++) {
            int number = i;
            device.submit(
                    requests.get(i),
                    (_, outcome) -> {
                        told.add(number);
                        if (outcome.isSuccess()) {
                            succeeded[0]++;
                        }
                        if (outcome instanceof Outcome.Data(Buffers bytes)) {
                            assertEquals(requests.get(number).lengthBytes(), bytes.length());
                        }
                        outcome.discard();
                    });
        }
    }

    private static IoTag tag(IoContext io, Operation operation, long offset, long length) {
        long id = io.ids().next();
        return new IoTag(
                id, 0, operation, Locality.REMOTE, offset, length, 0, io.timers().nanoTime());
    }

    // ----------------------------------------------------------------------------- inputs

    private static byte[] handshake(Prefix prefix) {
        return switch (prefix) {
            case NOTHING -> new byte[0];
            case GREETING -> greeting();
            case SIMPLE -> handshake(0);
            case STRUCTURED -> handshake(1);
            case EXTENDED -> handshake(2);
        };
    }

    private static byte[] greeting() {
        return ByteBuffer.allocate(18)
                .putLong(Nbd.NBDMAGIC)
                .putLong(Nbd.IHAVEOPT)
                .putShort((short) 3)
                .array();
    }

    private static byte[] handshake(int level) {
        return RawClient.join(greeting(), options(level));
    }

    /// What a server says after the greeting.
    ///
    /// @param level 0 for simple replies, 1 for structured ones, 2 for extended headers
    private static byte[] options(int level) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] none = {};
        all.writeBytes(
                reply(
                        Nbd.OPT_EXTENDED_HEADERS,
                        level == 2 ? Nbd.REP_ACK : Nbd.REP_ERR_UNSUP,
                        none));
        if (level < 2) {
            int type = level == 1 ? Nbd.REP_ACK : Nbd.REP_ERR_UNSUP;
            all.writeBytes(reply(Nbd.OPT_STRUCTURED_REPLY, type, none));
        }
        if (level > 0) {
            byte[] name = Nbd.CONTEXT_ALLOCATION.getBytes(StandardCharsets.UTF_8);
            byte[] context = ByteBuffer.allocate(4 + name.length).putInt(1).put(name).array();
            all.writeBytes(reply(Nbd.OPT_SET_META_CONTEXT, Nbd.REP_META_CONTEXT, context));
            all.writeBytes(reply(Nbd.OPT_SET_META_CONTEXT, Nbd.REP_ACK, none));
        }
        ByteBuffer export = ByteBuffer.allocate(12).putShort((short) 0).putLong(SIZE_BYTES);
        export.putShort((short) 0x56d);
        all.writeBytes(reply(Nbd.OPT_GO, Nbd.REP_INFO, export.array()));
        ByteBuffer blocks = ByteBuffer.allocate(14).putShort((short) Nbd.INFO_BLOCK_SIZE);
        blocks.putInt(1).putInt(4096).putInt(1 << 20);
        all.writeBytes(reply(Nbd.OPT_GO, Nbd.REP_INFO, blocks.array()));
        all.writeBytes(reply(Nbd.OPT_GO, Nbd.REP_ACK, none));
        return all.toByteArray();
    }

    private static byte[] reply(int option, int type, byte[] data) {
        return ByteBuffer.allocate(20 + data.length)
                .putLong(Nbd.OPTION_REPLY_MAGIC)
                .putInt(option)
                .putInt(type)
                .putInt(data.length)
                .put(data)
                .array();
    }

    /// The cookie of the request with a number, counted from 0: the slot below, a counter above.
    private static long cookie(int number) {
        return (number + 1L) << 24 | number;
    }

    private static byte[] simple(int number, byte... payload) {
        return ByteBuffer.allocate(16 + payload.length)
                .putInt(Nbd.SIMPLE_REPLY_MAGIC)
                .putInt(0)
                .putLong(cookie(number))
                .put(payload)
                .array();
    }

    private static byte[] chunk(boolean wide, int flags, int type, int number, byte... payload) {
        ByteBuffer all = ByteBuffer.allocate((wide ? 32 : 20) + payload.length);
        all.putInt(wide ? Nbd.EXTENDED_REPLY_MAGIC : Nbd.STRUCTURED_REPLY_MAGIC);
        all.putShort((short) flags).putShort((short) type).putLong(cookie(number));
        if (wide) {
            all.putLong(0).putLong(payload.length);
        } else {
            all.putInt(payload.length);
        }
        return all.put(payload).array();
    }

    private static byte[] data(long offset, int length) {
        return ByteBuffer.allocate(8 + length).putLong(offset).array();
    }

    /// Answers to all requests.
    private static byte[] answers(int level) {
        if (level == 0) {
            return RawClient.join(
                    simple(0, new byte[512]),
                    simple(1, new byte[3]),
                    simple(2),
                    simple(3),
                    simple(4));
        }
        boolean wide = level == 2;
        byte[] hole = ByteBuffer.allocate(12).putLong(4096).putInt(256).array();
        ByteBuffer status = ByteBuffer.allocate(wide ? 40 : 20).putInt(1);
        if (wide) {
            status.putInt(2).putLong(4096).putLong(3).putLong(4096).putLong(0);
        } else {
            status.putInt(4096).putInt(3).putInt(4096).putInt(0);
        }
        int statusType = wide ? Nbd.REPLY_TYPE_BLOCK_STATUS_EXT : Nbd.REPLY_TYPE_BLOCK_STATUS;
        return RawClient.join(
                chunk(wide, 0, Nbd.REPLY_TYPE_OFFSET_DATA, 0, data(4352, 256)),
                chunk(wide, 0, Nbd.REPLY_TYPE_OFFSET_HOLE, 0, hole),
                chunk(wide, 1, Nbd.REPLY_TYPE_NONE, 0),
                chunk(wide, 1, Nbd.REPLY_TYPE_OFFSET_DATA, 1, data(0, 3)),
                wide ? chunk(true, 1, Nbd.REPLY_TYPE_NONE, 2) : simple(2),
                chunk(wide, 1, statusType, 3, status.array()),
                chunk(wide, 1, Nbd.REPLY_TYPE_NONE, 4),
                chunk(wide, 1, Nbd.REPLY_TYPE_NONE, 5));
    }

    /// Valid sessions, from which the mutations start.
    private static List<byte[]> seeds() {
        List<byte[]> seeds = new ArrayList<>();
        for (int style = 0; style < 4; style++) {
            for (int level = 0; level < 3; level++) {
                seeds.add(session(Prefix.NOTHING, style, handshake(level)));
                seeds.add(session(Prefix.GREETING, style, options(level)));
                Prefix prefix = Prefix.values()[Prefix.SIMPLE.ordinal() + level];
                seeds.add(session(prefix, style, answers(level)));
            }
        }
        return seeds;
    }

    private static byte[] session(Prefix prefix, int style, byte[] rest) {
        return RawClient.join(new byte[] {(byte) prefix.ordinal(), (byte) style}, rest);
    }
}

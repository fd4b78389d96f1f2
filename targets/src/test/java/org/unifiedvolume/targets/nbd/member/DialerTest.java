package org.unifiedvolume.targets.nbd.member;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.request.RequestIds;
import org.unifiedvolume.targets.nbd.NbdAddress;
import org.unifiedvolume.targets.nbd.NbdHost;
import org.unifiedvolume.targets.nbd.RawClient;
import org.unifiedvolume.targets.nbd.wire.Nbd;
import org.unifiedvolume.testkit.MemoryStream;
import org.unifiedvolume.testkit.MemoryTransport;
import org.unifiedvolume.testkit.VirtualTime;
import org.unifiedvolume.transport.Transport;

/// When a member dials, by a clock that the test turns.
class DialerTest {
    private static final long MILLI = 1_000_000;
    private static final long SHORTLY_NANOS = 20 * MILLI;

    private final VirtualTime time = new VirtualTime();
    private final BufferPool pool = new BufferPool(4 << 20, true);
    private final MemoryTransport transport = new MemoryTransport(time, pool);
    private NbdDevice device;

    private NbdDevice begin(int connections) throws ConfigFault {
        NbdOptions options =
                new NbdOptions(
                        "nbd://there/disk",
                        NbdAddress.of(NbdHost.uri("nbd://127.0.0.1/disk")),
                        null,
                        false,
                        connections,
                        30_000 * MILLI,
                        5_000 * MILLI,
                        0);
        IoContext io = new IoContext(pool, time, new RequestIds());
        CompletableFuture<Void> first = new CompletableFuture<>();
        device = NbdDevice.begin(options, transport, io, first);
        return device;
    }

    private Transport.Dialled dialled() {
        Transport.Dialled dial = transport.nextDial(NbdHost.PATIENCE_NANOS);
        assertNotNull(dial, "nobody dials");
        return dial;
    }

    /// Turns the clock until the device dials.
    ///
    /// @return after how many milliseconds
    private long millisToNextDial(List<Transport.Dialled> dials) {
        for (long millis = 0; millis <= 20_000; millis += 10) {
            // Dials come from a virtual thread; one that is due comes long before this ends.
            Transport.Dialled dial =
                    transport.nextDial(device.isDialling() ? NbdHost.PATIENCE_NANOS : 0);
            if (dial != null) {
                dials.add(dial);
                return millis;
            }
            time.advance(10 * MILLI);
        }
        throw new AssertionError("nobody dials any more");
    }

    /// Plays a server up to the transmission phase.
    private MemoryStream shakeHands(Transport.Dialled dial, int moreFlags) {
        MemoryStream stream = transport.answer(dial);
        byte[] greeting =
                ByteBuffer.allocate(18)
                        .putLong(Nbd.NBDMAGIC)
                        .putLong(Nbd.IHAVEOPT)
                        .putShort((short) 3)
                        .array();
        byte[] export =
                ByteBuffer.allocate(12)
                        .putShort((short) Nbd.INFO_EXPORT)
                        .putLong(1 << 20)
                        .putShort((short) (Nbd.FLAG_HAS_FLAGS | moreFlags))
                        .array();
        stream.feed(
                RawClient.join(
                        greeting,
                        reply(Nbd.OPT_EXTENDED_HEADERS, Nbd.REP_ERR_UNSUP),
                        reply(Nbd.OPT_STRUCTURED_REPLY, Nbd.REP_ERR_UNSUP),
                        reply(Nbd.OPT_GO, Nbd.REP_INFO, export),
                        reply(Nbd.OPT_GO, Nbd.REP_ACK)));
        time.advance(0);
        return stream;
    }

    private static byte[] reply(int option, int type, byte... data) {
        return ByteBuffer.allocate(20 + data.length)
                .putLong(Nbd.OPTION_REPLY_MAGIC)
                .putInt(option)
                .putInt(type)
                .putInt(data.length)
                .put(data)
                .array();
    }

    @AfterEach
    void nothingIsLeftBehind() {
        device.close();
        time.advance(60_000 * MILLI);
        assertEquals(0, pool.outstandingBytes());
        pool.close();
    }

    @Test
    void waitsTwiceAsLongAfterEachFailureUpToFiveSeconds() throws ConfigFault {
        begin(1);
        MemoryStream stream = shakeHands(dialled(), 0);
        time.advance(10_000 * MILLI);
        stream.feedEnd();
        List<Long> waits = new ArrayList<>();
        List<Transport.Dialled> dials = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            waits.add(millisToNextDial(dials));
            dials.removeLast().failed(new IOException("connection refused"));
        }
        assertEquals(List.of(0L, 50L, 100L, 200L, 400L, 800L, 1600L, 3200L, 5000L, 5000L), waits);
        assertEquals(DeviceStatus.State.UNAVAIL, device.status().state());
        assertEquals("connection refused", device.status().reason());
    }

    @Test
    void beginsAnewAfterAConnectionThatLasted() throws ConfigFault {
        begin(1);
        MemoryStream stream = shakeHands(dialled(), 0);
        List<Transport.Dialled> dials = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            stream.feedEnd();
            long wait = millisToNextDial(dials);
            assertTrue(wait >= 50L << i, "it waited %d ms".formatted(wait));
            stream = shakeHands(dials.removeLast(), 0);
            assertEquals(DeviceStatus.State.ONLINE, device.status().state());
        }
        time.advance(2_000 * MILLI);
        stream.feedEnd();
        assertEquals(0, millisToNextDial(dials));
        shakeHands(dials.removeLast(), 0);
    }

    @Test
    void makesAllConnectionsAsSoonAsTheServerAllowsSeveral() throws ConfigFault {
        begin(3);
        shakeHands(dialled(), Nbd.FLAG_CAN_MULTI_CONN);
        shakeHands(dialled(), Nbd.FLAG_CAN_MULTI_CONN);
        shakeHands(dialled(), Nbd.FLAG_CAN_MULTI_CONN);
        assertEquals(3, device.links().count());
        assertNull(transport.nextDial(SHORTLY_NANOS));
    }

    @Test
    void givesAServerUpThatStopsInTheHandshake() throws ConfigFault {
        begin(1);
        MemoryStream stream = shakeHands(dialled(), 0);
        time.advance(10_000 * MILLI);
        stream.feedEnd();
        MemoryStream stuck = transport.answer(dialled());
        stuck.feed(new byte[] {'N', 'B', 'D'});
        time.advance(6_000 * MILLI);
        assertEquals("the handshake took too long", stuck.closeReason());
        assertEquals("the handshake took too long", device.status().reason());
        dialled();
    }

    @Test
    void stopsWhenTheDeviceIsClosed() throws ConfigFault {
        begin(1);
        MemoryStream stream = shakeHands(dialled(), 0);
        device.close();
        time.advance(60_000 * MILLI);
        assertEquals("the member is being closed", stream.closeReason());
        assertNull(transport.nextDial(SHORTLY_NANOS));
    }
}

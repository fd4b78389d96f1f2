package org.unifiedvolume.targets.nbd.member;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.Timers;
import org.unifiedvolume.loop.Loop;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.targets.nbd.wire.Nbd;
import org.unifiedvolume.targets.nbd.wire.NbdError;
import org.unifiedvolume.targets.nbd.wire.ReplyHeader;
import org.unifiedvolume.targets.nbd.wire.RequestHeader;
import org.unifiedvolume.transport.ByteStream;
import org.unifiedvolume.transport.Inbox;
import org.unifiedvolume.transport.ProtocolFault;
import org.unifiedvolume.transport.StreamHandler;

/// One connection to the server: its handshake, then the requests under way on it.
///
/// Payloads of replies stay where they were received and travel up as slices. Owned by the stream's
/// loop.
final class NbdLink implements StreamHandler {
    private static final long MEMORY_RETRY_NANOS = 5_000_000;
    private static final int MAX_ERROR_BYTES = Nbd.MAX_STRING_BYTES + 14;

    /// The most descriptors of a block status chunk (section "Structured reply types").
    private static final long MAX_EXTENTS = 1 << 20;

    /// What is expected next.
    private enum Expecting {
        HEADER,
        DATA_OFFSET,
        PAYLOAD,
        HOLE,
        ERROR,
        STATUS_START,
        STATUS
    }

    private final NbdDevice device;
    private final Dialer dialer;
    private final ByteStream stream;
    private final Inbox in;
    private ClientHandshake handshake;
    private ExportInfo info;
    private ReplyHeader reply;
    private volatile boolean up;
    private long upSinceNanos;

    private final Slots slots = new Slots();
    private Timers.Cancellable watch;

    private Expecting expecting = Expecting.HEADER;
    private Pending current;
    private long pieceOffset;
    private long pieceLength;
    private long statusLeft;

    NbdLink(NbdDevice device, Dialer dialer, ByteStream stream) {
        this.device = device;
        this.dialer = dialer;
        this.stream = stream;
        this.in = stream.inbox();
        this.handshake =
                new ClientHandshake(
                        stream,
                        device.options().address().exportName(),
                        device.options().tls(),
                        ClientHandshake.Goal.TRANSMIT);
        this.watch =
                stream.loop()
                        .after(
                                device.options().connectNanos(),
                                () -> stream.close("the handshake took too long"));
        if (!device.links().greets(this)) {
            // In a turn of its own: the stream does not know its session yet.
            stream.loop().execute(this::disconnect);
        }
    }

    Loop loop() {
        return stream.loop();
    }

    ExportInfo info() {
        return info;
    }

    /// Whether requests can be sent; may be stale on other threads.
    boolean isUp() {
        return up;
    }

    /// For how long the link has been up.
    long lifeNanos() {
        return loop().nanoTime() - upSinceNanos;
    }

    int inFlight() {
        return slots.count();
    }

    // --------------------------------------------------------------------------- sending

    /// Sends a request; on the loop. If the link was lost meanwhile the device finds another.
    void send(Pending pending) {
        if (!up) {
            device.dispatch(pending);
            return;
        }
        slots.enter(pending);
        if (watch == null) {
            watchAnswers();
        }
        IoRequest request = pending.request();
        int flags = flags(request);
        if (request instanceof IoRequest.Flush) {
            pending.flushMark = device.unflushed().mark();
        }
        RequestHeader.encode(
                stream.outbox(),
                info.extended(),
                flags,
                pending.command(),
                pending.cookie,
                request.offsetBytes(),
                request.lengthBytes());
        if (request instanceof IoRequest.Write write) {
            write.source().retain();
            stream.outbox().payload(write.source());
        }
        stream.flushAtEnd();
    }

    private int flags(IoRequest request) {
        return switch (request) {
            case IoRequest.Write write ->
                    durable(write.durability()) | (info.extended() ? Nbd.CMD_FLAG_PAYLOAD_LEN : 0);
            case IoRequest.Zero zero ->
                    durable(zero.durability())
                            | (zero.mayUnmap() ? 0 : Nbd.CMD_FLAG_NO_HOLE)
                            | (zero.fastOnly() ? Nbd.CMD_FLAG_FAST_ZERO : 0);
            case IoRequest.Discard discard -> durable(discard.durability());
            case IoRequest.Read _, IoRequest.Flush _, IoRequest.Prefetch _, IoRequest.Locate _ -> 0;
        };
    }

    /// A server that offers neither FUA nor flushes has no volatile cache; it must not be sent FUA.
    private int durable(Durability durability) {
        return durability == Durability.DURABLE && info.has(Nbd.FLAG_SEND_FUA)
                ? Nbd.CMD_FLAG_FUA
                : 0;
    }

    /// A server that does not answer within the deadline is given up: the link is closed, and the
    /// other links or a new one take over.
    private void watchAnswers() {
        long period = Math.max(device.options().deadlineNanos() / 4, 1_000_000L);
        watch =
                loop().after(
                                period,
                                () -> {
                                    watch = null;
                                    checkAnswers();
                                });
    }

    private void checkAnswers() {
        if (!up || slots.count() == 0) {
            return;
        }
        long longest = slots.longestWaitNanos(loop().nanoTime());
        if (longest >= device.options().deadlineNanos()) {
            stream.close("no answer for %d ms".formatted(longest / 1_000_000));
            return;
        }
        watchAnswers();
    }

    // ------------------------------------------------------------------------- receiving

    @Override
    public void received(ByteStream from) {
        try {
            if (handshake != null && !shakeHands()) {
                return;
            }
            while (stream.isOpen() && receiveOne()) {
                // each round consumes what it can
            }
        } catch (ProtocolFault | IOException e) {
            stream.close(e.getMessage());
        }
    }

    private boolean shakeHands() throws ProtocolFault, IOException {
        if (!handshake.received()) {
            return false;
        }
        watch.cancel();
        watch = null;
        info = handshake.info();
        handshake = null;
        reply = new ReplyHeader(info.extended());
        up = true;
        upSinceNanos = loop().nanoTime();
        device.links().greeted(this);
        device.links().linkUp(this);
        dialer.connected(info.allowsSeveralConnections());
        return stream.isOpen();
    }

    /// Consumes one header or one part of a chunk.
    ///
    /// @return false if bytes are missing
    private boolean receiveOne() throws ProtocolFault {
        return switch (expecting) {
            case HEADER -> {
                if (!reply.decode(in)) {
                    yield false;
                }
                current = slots.find(reply.cookie());
                if (reply.isSimple()) {
                    beginSimple();
                } else {
                    beginChunk();
                }
                yield true;
            }
            case DATA_OFFSET -> receiveDataOffset();
            case PAYLOAD -> receivePayload();
            case HOLE -> receiveHole();
            case ERROR -> receiveError();
            case STATUS_START -> receiveStatusStart();
            case STATUS -> receiveStatus();
        };
    }

    private void beginSimple() throws ProtocolFault {
        boolean isRead = current.request() instanceof IoRequest.Read;
        if (reply.error() != 0) {
            current.fail(fault(reply.error(), ""));
            finish();
        } else if (!isRead) {
            finish();
        } else if (info.structured()) {
            throw new ProtocolFault(
                    "NBD_CMD_READ", "a simple reply to a read although replies are structured");
        } else {
            expectPiece(current.request().offsetBytes(), current.request().lengthBytes());
        }
    }

    private void beginChunk() throws ProtocolFault {
        long length = reply.length();
        IoRequest request = current.request();
        if (reply.isError()) {
            require(length >= 6 && length <= MAX_ERROR_BYTES, "an error chunk", length);
            expecting = Expecting.ERROR;
            return;
        }
        switch (reply.type()) {
            case Nbd.REPLY_TYPE_NONE -> {
                require(length == 0 && reply.isLast(), "an empty chunk", length);
                endChunk();
            }
            case Nbd.REPLY_TYPE_OFFSET_DATA -> {
                require(
                        request instanceof IoRequest.Read
                                && length >= 9
                                && length - 8 <= request.lengthBytes(),
                        "a data chunk",
                        length);
                expecting = Expecting.DATA_OFFSET;
            }
            case Nbd.REPLY_TYPE_OFFSET_HOLE -> {
                require(request instanceof IoRequest.Read && length == 12, "a hole", length);
                expecting = Expecting.HOLE;
            }
            case Nbd.REPLY_TYPE_BLOCK_STATUS -> {
                require(
                        request instanceof IoRequest.Locate
                                && !info.extended()
                                && length >= 12
                                && length % 8 == 4
                                && length / 8 <= MAX_EXTENTS,
                        "a block status",
                        length);
                expecting = Expecting.STATUS_START;
            }
            case Nbd.REPLY_TYPE_BLOCK_STATUS_EXT -> {
                require(
                        request instanceof IoRequest.Locate
                                && info.extended()
                                && length >= 24
                                && length % 16 == 8
                                && length / 16 <= MAX_EXTENTS,
                        "a block status",
                        length);
                expecting = Expecting.STATUS_START;
            }
            default ->
                    throw new ProtocolFault(
                            "NBD, structured reply types",
                            "a chunk of unknown type %d".formatted(reply.type()));
        }
    }

    private void require(boolean sane, String what, long length) throws ProtocolFault {
        if (!sane) {
            throw new ProtocolFault(
                    "NBD, structured reply types",
                    "%s of %s bytes in the answer to %s"
                            .formatted(
                                    what,
                                    Long.toUnsignedString(length),
                                    Nbd.commandName(current.command())));
        }
    }

    private boolean receiveDataOffset() throws ProtocolFault {
        if (!in.has(8)) {
            return false;
        }
        long offset = in.longAt(0);
        in.skip(8);
        expectPiece(offset, reply.length() - 8);
        return true;
    }

    private void expectPiece(long offset, long length) {
        pieceOffset = offset;
        pieceLength = length;
        expecting = Expecting.PAYLOAD;
    }

    private boolean receivePayload() throws ProtocolFault {
        if (!in.isGathering() && !in.gather(pieceLength)) {
            waitForMemory();
            return false;
        }
        Buffers payload = in.gathered();
        if (payload == null) {
            return false;
        }
        if (!current.addPiece(pieceOffset, pieceLength, payload)) {
            throw new ProtocolFault(
                    "NBD_REPLY_TYPE_OFFSET_DATA",
                    "data outside the request, twice, or in far too many pieces");
        }
        endChunk();
        return true;
    }

    private void waitForMemory() {
        stream.pauseReading();
        loop().after(MEMORY_RETRY_NANOS, stream::resumeReading);
    }

    private boolean receiveHole() throws ProtocolFault {
        if (!in.has(12)) {
            return false;
        }
        long offset = in.longAt(0);
        long length = Integer.toUnsignedLong(in.intAt(8));
        in.skip(12);
        if (!current.addPiece(offset, length, null)) {
            throw new ProtocolFault(
                    "NBD_REPLY_TYPE_OFFSET_HOLE",
                    "a hole outside the request, twice, or in far too many pieces");
        }
        endChunk();
        return true;
    }

    private boolean receiveError() throws ProtocolFault {
        int length = (int) reply.length();
        if (!in.has(length)) {
            return false;
        }
        int number = in.intAt(0);
        int textLength = in.shortAt(4) & 0xffff;
        if (textLength > length - 6) {
            throw new ProtocolFault("NBD_REPLY_TYPE_ERROR", "a message longer than its chunk");
        }
        String text = new String(in.bytesAt(6, textLength), StandardCharsets.UTF_8);
        in.skip(length);
        current.fail(fault(number, text.replaceAll("\\p{Cntrl}", " ")));
        endChunk();
        return true;
    }

    private boolean receiveStatusStart() throws ProtocolFault {
        int length = info.extended() ? 8 : 4;
        if (!in.has(length)) {
            return false;
        }
        int context = in.intAt(0);
        if (context != info.allocationContext() || current.hasExtents()) {
            throw new ProtocolFault(
                    "NBD_REPLY_TYPE_BLOCK_STATUS",
                    "an unknown context, or one twice: %d".formatted(context));
        }
        in.skip(length);
        statusLeft = reply.length() - length;
        expecting = Expecting.STATUS;
        return true;
    }

    private boolean receiveStatus() throws ProtocolFault {
        int descriptor = info.extended() ? 16 : 8;
        if (!in.has(descriptor)) {
            return false;
        }
        long length = info.extended() ? in.longAt(0) : Integer.toUnsignedLong(in.intAt(0));
        long state = info.extended() ? in.longAt(8) : in.intAt(4);
        in.skip(descriptor);
        if (length <= 0) {
            throw new ProtocolFault(
                    "NBD_REPLY_TYPE_BLOCK_STATUS",
                    "an extent of %s bytes".formatted(Long.toUnsignedString(length)));
        }
        current.addExtent(
                length,
                Extent.Kind.of((state & Nbd.STATE_HOLE) != 0, (state & Nbd.STATE_ZERO) != 0));
        statusLeft -= descriptor;
        if (statusLeft == 0) {
            endChunk();
        }
        return true;
    }

    private void endChunk() throws ProtocolFault {
        expecting = Expecting.HEADER;
        if (reply.isLast()) {
            finish();
        }
    }

    /// The answer to a request is complete.
    private void finish() throws ProtocolFault {
        Pending pending = current;
        current = null;
        expecting = Expecting.HEADER;
        Outcome outcome = pending.outcome(device.context().pool());
        slots.leave(pending);
        device.answered(pending, outcome);
    }

    private DeviceFault fault(int number, String text) {
        NbdError error = NbdError.ofNumber(number);
        return new DeviceFault(
                error.kind(),
                "%s: %s at offset %d, %d bytes: the server answered %s%s"
                        .formatted(
                                device,
                                current.request().tag().operation(),
                                current.request().offsetBytes(),
                                current.request().lengthBytes(),
                                error + ", " + error.meaning(),
                                text.isEmpty() ? "" : " (" + text + ")"));
    }

    // ---------------------------------------------------------------------------- ending

    @Override
    public void drained(ByteStream from) {}

    @Override
    public void closed(ByteStream from, String reason) {
        if (handshake != null) {
            watch.cancel();
            device.links().greeted(this);
            dialer.failed(new IOException(reason));
            return;
        }
        up = false;
        if (watch != null) {
            watch.cancel();
        }
        device.links().linkDown(this, reason, slots.takeAll());
    }

    /// Closes the link because of `reason`; on the loop.
    void fail(String reason) {
        stream.close(reason);
    }

    /// Says good-bye and closes; on the loop.
    void disconnect() {
        if (up) {
            RequestHeader.encode(stream.outbox(), info.extended(), 0, Nbd.CMD_DISC, 0, 0, 0);
        }
        stream.close("the member is being closed");
    }
}

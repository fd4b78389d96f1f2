package org.unifiedvolume.targets.nbd.export;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.buffer.Admission;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.buffer.FileRange;
import org.unifiedvolume.loop.Loop;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.targets.nbd.wire.Nbd;
import org.unifiedvolume.targets.nbd.wire.NbdError;
import org.unifiedvolume.targets.nbd.wire.RequestHeader;
import org.unifiedvolume.transport.ByteStream;
import org.unifiedvolume.transport.Inbox;
import org.unifiedvolume.transport.Outbox;
import org.unifiedvolume.transport.ProtocolFault;

/// The transmission phase of one client: decodes the requests that have arrived, submits each to
/// the volume, and sends the answers that are ready in one batch.
///
/// A request that would exceed the connection's or the pool's limits stops the decoding until there
/// is room; meanwhile nothing is read from the socket, so the client is held back by TCP.
final class NbdTransmission implements NbdConnection.Phase {
    private static final Logger LOG = LoggerFactory.getLogger(NbdTransmission.class);
    private static final long MEMORY_RETRY_NANOS = 5_000_000;

    /// So much is sent without waiting for the end of the batch: the client can work on it
    /// meanwhile, and it is still in this CPU's cache.
    private static final long FLUSH_BYTES = 256 * 1024;

    /// How much of an unwanted payload is received at once where headers come one by one.
    private static final int DRAIN_BYTES = 64 * 1024;

    /// Payloads of this length and more are received on page boundaries.
    private static final long ALIGNED_BYTES = 64 * 1024;

    /// What decoding waits for.
    private enum Waiting {
        NOTHING,
        /// The rest of a write's payload.
        PAYLOAD,
        /// The pool's admission, or its memory.
        MEMORY,
        /// Answers: too many requests of this connection are under way.
        ANSWERS
    }

    private final NbdConnection connection;
    private final ByteStream stream;
    private final Inbox in;
    private final Outbox out;
    private final NbdExport export;
    private final Negotiated negotiated;
    private final ReplyWriter writer;
    private final StatusReply statusReply;
    private final RequestHeader header;
    private final RequestCheck check;
    private final Admission admission;
    private final NbdLimits limits;
    private final int payloadBytes;

    private final StallWatch stall;
    private final boolean mustAlign;
    private Waiting waiting = Waiting.NOTHING;
    private NbdCall incoming;

    /// How many payload bytes of a refused request are still to come, and the answer to it: clients
    /// do not expect one before they have sent the whole request.
    private long toDrain;

    private Runnable answerAfterDrain;
    private int inFlight;

    /// What the requests under way have acquired, and the answers that have not left.
    private long underWayCostBytes;

    private long unsentCostBytes;
    private boolean leaving;
    private boolean closed;

    NbdTransmission(NbdConnection connection, NbdExport export, Negotiated negotiated) {
        this.connection = connection;
        this.stream = connection.stream();
        this.in = stream.inbox();
        this.out = stream.outbox();
        this.export = export;
        this.negotiated = negotiated;
        this.writer = new ReplyWriter(out, negotiated.replies());
        this.statusReply = new StatusReply(writer, export.volume());
        this.header = new RequestHeader(negotiated.isExtended());
        this.check = new RequestCheck(header, export);
        this.admission = connection.server().admission();
        this.limits = connection.server().limits();
        this.payloadBytes = export.payloadBytes(limits);
        this.stall = new StallWatch(connection, this::holdsMemory);
        this.mustAlign = export.shape().memoryAlignmentBytes() > 1;
        in.setHeaderBytes(mustAlign ? header.bytes() : 0);
    }

    Loop loop() {
        return stream.loop();
    }

    // ------------------------------------------------------------------------- decoding

    @Override
    public void received() throws ProtocolFault {
        while (!leaving && !closed) {
            if (toDrain > 0 && !drain()) {
                return;
            }
            switch (waiting) {
                case NOTHING -> {}
                case PAYLOAD -> {
                    Buffers payload = in.gathered();
                    if (payload == null) {
                        return;
                    }
                    waiting = Waiting.NOTHING;
                    payloadArrived(incoming, payload);
                    continue;
                }
                case MEMORY, ANSWERS -> {
                    return;
                }
            }
            if (isBusy()) {
                waiting = Waiting.ANSWERS;
                stream.pauseReading();
                return;
            }
            if (!in.has(header.bytes())) {
                return;
            }
            header.decode(in);
            begin();
        }
    }

    /// Skips a payload that is not wanted.
    ///
    /// @return whether all of it has been skipped
    private boolean drain() {
        toDrain -= in.skipUpTo(toDrain);
        if (toDrain > 0) {
            in.setHeaderBytes((int) Math.min(toDrain, DRAIN_BYTES));
        } else {
            in.setHeaderBytes(mustAlign ? header.bytes() : 0);
        }
        if (toDrain == 0) {
            answerAfterDrain.run();
        }
        return toDrain == 0;
    }

    private boolean isBusy() {
        return inFlight >= limits.requestsInFlight()
                || underWayCostBytes + Math.max(out.pendingBytes(), unsentCostBytes)
                        >= limits.bytesInFlight();
    }

    /// Starts on the request whose header was decoded last.
    private void begin() throws ProtocolFault {
        long payloadLength = header.payloadLength();
        if (payloadLength < 0 || payloadLength > 2L * limits.payloadBytes()) {
            throw new ProtocolFault(
                    "NBD, request message",
                    "%s announces a payload of %s bytes"
                            .formatted(
                                    Nbd.commandName(header.type()),
                                    Long.toUnsignedString(payloadLength)));
        }
        // Long payloads are worth a call of their own for each header: aligned they are copied
        // faster.
        // Short requests are better received by many at once.
        in.setHeaderBytes(mustAlign || payloadLength >= ALIGNED_BYTES ? header.bytes() : 0);
        switch (header.type()) {
            case Nbd.CMD_DISC -> {
                leaving = true;
                closeWhenIdle("the client disconnected");
            }
            case Nbd.CMD_READ -> beginRead();
            case Nbd.CMD_WRITE -> beginWrite();
            case Nbd.CMD_FLUSH -> beginFlush();
            case Nbd.CMD_TRIM -> beginTrim();
            case Nbd.CMD_WRITE_ZEROES -> beginWriteZeroes();
            case Nbd.CMD_CACHE -> beginCache();
            case Nbd.CMD_BLOCK_STATUS -> beginBlockStatus();
            default ->
                    refuse(
                            NbdError.EINVAL,
                            "command %d is not known here".formatted(header.type()));
        }
    }

    private void beginRead() {
        if (isRefused(check.flags(negotiated.isChunked() ? Nbd.CMD_FLAG_DF : 0))
                || isRefused(check.range(NbdError.EINVAL))) {
            return;
        }
        if (header.length() > payloadBytes) {
            refuse(
                    negotiated.isChunked() ? NbdError.EOVERFLOW : NbdError.EINVAL,
                    "a read of %d bytes; the limit is %d".formatted(header.length(), payloadBytes));
            return;
        }
        if (header.length() == 0) {
            writer.data(header.cookie(), header.offset(), Buffers.empty());
            return;
        }
        NbdCall call = newCall(BufferPool.costBytes(header.length()));
        if (admit(call)) {
            submitRead(call);
        }
    }

    private void submitRead(NbdCall call) {
        IoTag tag = tag(Operation.READ, call);
        submit(call, new IoRequest.Read(tag, call.offset, call.length, stream.canSendFiles()));
    }

    private void beginWrite() {
        if (negotiated.isExtended() && !header.has(Nbd.CMD_FLAG_PAYLOAD_LEN)) {
            refuse(NbdError.EINVAL, "a write without a payload");
            return;
        }
        if (isRefused(check.flags(extendedFlag())) || isRefused(check.changeOf(NbdError.ENOSPC))) {
            return;
        }
        if (header.length() > payloadBytes) {
            refuse(
                    NbdError.EINVAL,
                    "a write of %d bytes; the limit is %d"
                            .formatted(header.length(), payloadBytes));
            return;
        }
        if (isEmptyChange()) {
            return;
        }
        NbdCall call = newCall(BufferPool.costBytes(header.length()));
        if (admit(call)) {
            gather(call);
        }
    }

    /// Answers a change of no bytes: there is nothing to do. The standard leaves such requests
    /// undefined; clients that send them mean no harm.
    private boolean isEmptyChange() {
        if (header.length() == 0) {
            writer.done(header.cookie(), header.offset());
        }
        return header.length() == 0;
    }

    private int extendedFlag() {
        return negotiated.isExtended() ? Nbd.CMD_FLAG_PAYLOAD_LEN : 0;
    }

    private void gather(NbdCall call) {
        incoming = call;
        if (in.gather(call.length)) {
            waiting = Waiting.PAYLOAD;
            stall.arm();
        } else {
            waiting = Waiting.MEMORY;
            stream.pauseReading();
            loop().after(MEMORY_RETRY_NANOS, () -> retryGather(call));
        }
    }

    private void retryGather(NbdCall call) {
        if (closed) {
            admission.release(call.costBytes);
            return;
        }
        gather(call);
        if (waiting == Waiting.PAYLOAD) {
            stream.resumeReading();
        }
    }

    private void payloadArrived(NbdCall call, Buffers payload) {
        incoming = null;
        if (call.type == Nbd.CMD_BLOCK_STATUS) {
            byte[] bytes = payload.toBytes();
            payload.release();
            submitBlockStatusOfSome(call, bytes);
            return;
        }
        call.payload = payload;
        submit(
                call,
                new IoRequest.Write(
                        tag(Operation.WRITE, call), call.offset, payload, durability(call)));
    }

    private void beginFlush() {
        if (isRefused(check.flags(0))) {
            return;
        }
        if (header.offset() != 0 || header.length() != 0) {
            refuse(NbdError.EINVAL, "a flush has no range");
            return;
        }
        NbdCall call = newCall(0);
        submit(call, new IoRequest.Flush(tag(Operation.FLUSH, call)));
    }

    private void beginTrim() {
        if (isRefused(check.flags(0))
                || isRefused(check.changeOf(NbdError.EINVAL))
                || isEmptyChange()) {
            return;
        }
        NbdCall call = newCall(0);
        submit(
                call,
                new IoRequest.Discard(
                        tag(Operation.DISCARD, call), call.offset, call.length, durability(call)));
    }

    private void beginWriteZeroes() {
        if (isRefused(check.flags(Nbd.CMD_FLAG_NO_HOLE | Nbd.CMD_FLAG_FAST_ZERO))
                || isRefused(check.changeOf(NbdError.ENOSPC))
                || isEmptyChange()) {
            return;
        }
        NbdCall call = newCall(0);
        submit(
                call,
                new IoRequest.Zero(
                        tag(Operation.ZERO, call),
                        call.offset,
                        call.length,
                        !call.has(Nbd.CMD_FLAG_NO_HOLE),
                        call.has(Nbd.CMD_FLAG_FAST_ZERO),
                        durability(call)));
    }

    private void beginCache() {
        if (isRefused(check.flags(0))
                || isRefused(check.range(NbdError.EINVAL))
                || isEmptyChange()) {
            return;
        }
        NbdCall call = newCall(0);
        submit(
                call,
                new IoRequest.Prefetch(tag(Operation.PREFETCH, call), call.offset, call.length));
    }

    private void beginBlockStatus() {
        if (isRefused(check.flags(Nbd.CMD_FLAG_REQ_ONE | extendedFlag()))) {
            return;
        }
        if (negotiated.contexts().isEmpty()) {
            refuse(NbdError.EINVAL, "no metadata context was selected");
            return;
        }
        if (header.has(Nbd.CMD_FLAG_PAYLOAD_LEN)) {
            beginBlockStatusOfSome();
            return;
        }
        if (header.length() == 0) {
            refuse(NbdError.EINVAL, "the status of no bytes");
            return;
        }
        if (!isRefused(check.range(NbdError.EINVAL))) {
            NbdCall call = newCall(0);
            call.contexts = negotiated.contexts();
            submitBlockStatus(call);
        }
    }

    private void beginBlockStatusOfSome() {
        int payload = (int) header.length();
        int most = 8 + 4 * MetaContext.values().length;
        if (payload < 12 || payload > most || payload % 4 != 0) {
            refuse(NbdError.EINVAL, "a block status payload of %d bytes".formatted(payload));
            return;
        }
        if (!in.gather(payload)) {
            refuse(NbdError.ENOMEM, "the buffer pool is spent");
            return;
        }
        incoming = newCall(0);
        waiting = Waiting.PAYLOAD;
    }

    /// The payload of a block status request has arrived: the range and the contexts it is about.
    private void submitBlockStatusOfSome(NbdCall call, byte[] payload) {
        ByteBuffer data = ByteBuffer.wrap(payload);
        long length = data.getLong();
        Set<MetaContext> contexts = MetaContext.choose(negotiated.contexts(), data);
        if (contexts == null || length <= 0 || !export.shape().holds(call.offset, length)) {
            writer.error(
                    call.cookie,
                    call.offset,
                    NbdError.EINVAL,
                    "a range or a metadata context that is not here",
                    false);
            return;
        }
        NbdCall ranged =
                new NbdCall(this, call.type, call.flags, call.cookie, call.offset, length, 0);
        ranged.contexts = contexts;
        submitBlockStatus(ranged);
    }

    private void submitBlockStatus(NbdCall call) {
        submit(call, new IoRequest.Locate(tag(Operation.LOCATE, call), call.offset, call.length));
    }

    private boolean isRefused(RequestCheck.Refusal refusal) {
        if (refusal != null) {
            refuse(refusal.error(), refusal.message());
        }
        return refusal != null;
    }

    /// Answers the request decoded last with an error and skips its payload.
    private void refuse(NbdError error, String message) {
        LOG.debug("{}: refused: {}", connection.peer(), message);
        long cookie = header.cookie();
        long offset = header.offset();
        boolean isRead = header.type() == Nbd.CMD_READ;
        toDrain = header.payloadLength();
        answerAfterDrain = () -> writer.error(cookie, offset, error, message, isRead);
        if (toDrain == 0) {
            answerAfterDrain.run();
        }
    }

    // ----------------------------------------------------------------------- submitting

    private NbdCall newCall(long costBytes) {
        return new NbdCall(
                this,
                header.type(),
                header.flags(),
                header.cookie(),
                header.offset(),
                header.length(),
                costBytes);
    }

    private IoTag tag(Operation operation, NbdCall call) {
        return export.volume()
                .tag(
                        operation,
                        call.offset,
                        operation == Operation.FLUSH ? 0 : call.length,
                        connection.client());
    }

    private static Durability durability(NbdCall call) {
        return call.has(Nbd.CMD_FLAG_FUA) ? Durability.DURABLE : Durability.VOLATILE;
    }

    private void submit(NbdCall call, IoRequest request) {
        inFlight++;
        underWayCostBytes += call.costBytes;
        export.volume().submit(request, call);
    }

    /// Acquires room for a call's payload. If there is none now, decoding stops until there is.
    private boolean admit(NbdCall call) {
        Runnable admitted = () -> loop().execute(() -> admitted(call));
        boolean holdsNothing = inFlight == 0 && unsentCostBytes == 0;
        if (holdsNothing
                ? admission.acquireFirst(call.costBytes, admitted)
                : admission.acquire(call.costBytes, admitted)) {
            return true;
        }
        waiting = Waiting.MEMORY;
        stream.pauseReading();
        return false;
    }

    private void admitted(NbdCall call) {
        if (closed) {
            admission.release(call.costBytes);
            return;
        }
        waiting = Waiting.NOTHING;
        if (call.type == Nbd.CMD_READ) {
            submitRead(call);
        } else {
            gather(call);
        }
        if (waiting != Waiting.MEMORY) {
            stream.resumeReading();
        }
        stream.flushAtEnd();
    }

    // ------------------------------------------------------------------------ answering

    /// The volume is done with a call; on the loop.
    void answer(NbdCall call, Outcome outcome) {
        inFlight--;
        underWayCostBytes -= call.costBytes;
        if (call.payload != null) {
            call.payload.release();
        }
        if (closed) {
            outcome.discard();
            admission.release(call.costBytes);
            return;
        }
        switch (outcome) {
            case Outcome.Done _ -> writer.done(call.cookie, call.offset);
            case Outcome.Data(Buffers buffers) -> writer.data(call.cookie, call.offset, buffers);
            case Outcome.InFile(FileRange range) -> writer.file(call.cookie, call.offset, range);
            case Outcome.Located(List<Extent> extents) -> statusReply.write(call, extents);
            case Outcome.Failed(DeviceFault fault) -> {
                LOG.debug("{}: {}", connection.peer(), fault.getMessage());
                writer.error(
                        call.cookie,
                        call.offset,
                        error(call, fault),
                        fault.getMessage(),
                        call.type == Nbd.CMD_READ);
            }
        }
        if (call.type == Nbd.CMD_READ) {
            // The bytes are still in memory, until they have been sent.
            unsentCostBytes += call.costBytes;
            stall.arm();
        } else if (call.costBytes != 0) {
            admission.release(call.costBytes);
        }
        if (out.pendingBytes() >= FLUSH_BYTES) {
            stream.flush();
        } else {
            stream.flushAtEnd();
        }
        goOn();
    }

    /// Only a fast zero may be answered with `NBD_ENOTSUP`.
    private static NbdError error(NbdCall call, DeviceFault fault) {
        NbdError error = NbdError.of(fault.kind());
        return error == NbdError.ENOTSUP && !call.has(Nbd.CMD_FLAG_FAST_ZERO)
                ? NbdError.EINVAL
                : error;
    }

    private boolean holdsMemory() {
        return unsentCostBytes != 0 || waiting == Waiting.PAYLOAD;
    }

    private void goOn() {
        if (waiting == Waiting.ANSWERS && !isBusy()) {
            waiting = Waiting.NOTHING;
            stream.resumeReading();
        }
        if (leaving) {
            closeWhenIdle("the client disconnected");
        }
    }

    // --------------------------------------------------------------------------- ending

    @Override
    public void drained() {
        if (unsentCostBytes != 0) {
            long cost = unsentCostBytes;
            unsentCostBytes = 0;
            admission.release(cost);
        }
        goOn();
    }

    @Override
    public void stop() {
        leaving = true;
        closeWhenIdle("the server is being stopped");
    }

    private void closeWhenIdle(String reason) {
        if (inFlight == 0 && out.pendingBytes() == 0) {
            stream.close(reason);
        }
    }

    @Override
    public void closed() {
        closed = true;
        if (unsentCostBytes != 0) {
            admission.release(unsentCostBytes);
            unsentCostBytes = 0;
        }
        if (waiting == Waiting.PAYLOAD && incoming != null) {
            admission.release(incoming.costBytes);
        }
    }
}

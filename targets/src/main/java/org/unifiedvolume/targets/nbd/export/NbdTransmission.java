package org.unifiedvolume.targets.nbd.export;

import java.util.ArrayDeque;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.buffer.Admission;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.buffer.FileRange;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.loop.Loop;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.targets.nbd.wire.Nbd;
import org.unifiedvolume.targets.nbd.wire.NbdError;
import org.unifiedvolume.targets.nbd.wire.RequestHeader;
import org.unifiedvolume.transport.ByteStream;
import org.unifiedvolume.transport.Inbox;
import org.unifiedvolume.transport.Outbox;
import org.unifiedvolume.transport.ProtocolFault;

/// The transmission phase of one client: decodes the requests that have arrived, has each begun by
/// [NbdCommands], and sends the answers that are ready in one batch.
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

    /// Payloads of this length and more go through a pipe where the volume takes them from there.
    private static final long PIPED_BYTES = 64 * 1024;

    /// Long reads wait while so much has not left: what is copied now would be out of this CPU's
    /// cache when its turn to be sent comes.
    private static final long AHEAD_BYTES = 256 * 1024;

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
    private final ReplyWriter writer;
    private final StatusReply statusReply;
    private final RequestHeader header;
    private final NbdCommands commands;
    private final Admission admission;
    private final NbdLimits limits;

    private final StallWatch stall;
    private final boolean mustAlign;

    /// Whether the volume takes long payloads from pipes.
    private final boolean drains;
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
    /// Long reads that were put off; they count as under way.
    private final ArrayDeque<NbdCall> waitingReads = new ArrayDeque<>();

    private boolean startsReads;
    private boolean leaving;
    private boolean closed;

    NbdTransmission(NbdConnection connection, NbdExport export, Negotiated negotiated) {
        this.connection = connection;
        this.stream = connection.stream();
        this.in = stream.inbox();
        this.out = stream.outbox();
        this.export = export;
        this.writer = new ReplyWriter(out, negotiated.replies());
        this.statusReply = new StatusReply(writer, export.volume());
        this.header = new RequestHeader(negotiated.isExtended());
        this.admission = connection.server().admission();
        this.limits = connection.server().limits();
        this.stall = new StallWatch(connection, this::holdsMemory);
        this.mustAlign = export.shape().memoryAlignmentBytes() > 1;
        this.drains = stream.canFillPipes() && export.shape().can(Ability.DRAIN);
        in.setHeaderBytes(mustAlign ? header.bytes() : 0);
        this.commands = new NbdCommands(this, connection, export, negotiated, header, writer);
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
                    NbdCall call = incoming;
                    incoming = null;
                    commands.payloadArrived(call, payload);
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
        if (header.type() == Nbd.CMD_DISC) {
            leaving = true;
            closeWhenIdle("the client disconnected");
        } else {
            commands.begin();
        }
    }

    /// Takes in the payload of an admitted call, then goes on with it.
    void gather(NbdCall call) {
        incoming = call;
        if (isPiped(call) || in.gather(call.length)) {
            waiting = Waiting.PAYLOAD;
            stall.arm();
        } else {
            waiting = Waiting.MEMORY;
            stream.pauseReading();
            loop().after(MEMORY_RETRY_NANOS, () -> retryGather(call));
        }
    }

    private boolean isPiped(NbdCall call) {
        return drains && call.length >= PIPED_BYTES && in.gatherInPipe(call.length);
    }

    /// Takes in a payload so short that it needs no admission, then goes on with the call.
    ///
    /// @return false if there is no memory for it now
    boolean gatherShort(NbdCall call, int payloadLength) {
        if (!in.gather(payloadLength)) {
            return false;
        }
        incoming = call;
        waiting = Waiting.PAYLOAD;
        return true;
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

    /// Answers the request decoded last with an error and skips its payload.
    void refuse(NbdError error, String message) {
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

    /// Hands a request to the volume; its answer comes to [#answer].
    void submit(NbdCall call, IoRequest request) {
        inFlight++;
        underWayCostBytes += call.costBytes;
        export.volume().submit(request, call);
    }

    /// Acquires room for a call's payload. If there is none now, decoding stops until there is.
    ///
    /// @return whether there is; otherwise the call goes on later by itself
    boolean admit(NbdCall call) {
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
            commands.submitRead(call);
        } else {
            gather(call);
        }
        if (waiting != Waiting.MEMORY) {
            stream.resumeReading();
        }
        stream.flushAtEnd();
    }

    /// Puts a long read off until what is ready has left, if that is much.
    ///
    /// @return whether it was; it goes on by itself then
    boolean putOff(NbdCall call) {
        if (call.length <= AHEAD_BYTES
                || (waitingReads.isEmpty() && out.pendingBytes() < AHEAD_BYTES)) {
            return false;
        }
        inFlight++;
        underWayCostBytes += call.costBytes;
        waitingReads.add(call);
        return true;
    }

    private void startWaitingReads() {
        if (startsReads) {
            return;
        }
        startsReads = true;
        while (!closed && !waitingReads.isEmpty() && out.pendingBytes() < AHEAD_BYTES) {
            NbdCall call = waitingReads.remove();
            inFlight--;
            underWayCostBytes -= call.costBytes;
            commands.startRead(call);
        }
        startsReads = false;
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
        startWaitingReads();
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
        waitingReads.forEach(call -> admission.release(call.costBytes));
        waitingReads.clear();
        if (unsentCostBytes != 0) {
            admission.release(unsentCostBytes);
            unsentCostBytes = 0;
        }
        if (waiting == Waiting.PAYLOAD && incoming != null) {
            admission.release(incoming.costBytes);
        }
    }
}

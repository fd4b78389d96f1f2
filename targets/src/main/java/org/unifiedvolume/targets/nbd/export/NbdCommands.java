package org.unifiedvolume.targets.nbd.export;

import java.nio.ByteBuffer;
import java.util.Set;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.targets.nbd.wire.Nbd;
import org.unifiedvolume.targets.nbd.wire.NbdError;
import org.unifiedvolume.targets.nbd.wire.RequestHeader;

/// Makes of each request that was decoded a request to the volume, or refuses it.
///
/// Owned by the connection's loop. Knows the commands and their flags; when a request may go on,
/// and how it is answered, is up to [NbdTransmission].
final class NbdCommands {
    private final NbdTransmission transmission;
    private final NbdConnection connection;
    private final NbdExport export;
    private final Negotiated negotiated;
    private final RequestHeader header;
    private final ReplyWriter writer;
    private final RequestCheck check;
    private final int payloadBytes;

    /// @param header decodes one request after the other
    NbdCommands(
            NbdTransmission transmission,
            NbdConnection connection,
            NbdExport export,
            Negotiated negotiated,
            RequestHeader header,
            ReplyWriter writer) {
        this.transmission = transmission;
        this.connection = connection;
        this.export = export;
        this.negotiated = negotiated;
        this.header = header;
        this.writer = writer;
        this.check = new RequestCheck(header, export);
        this.payloadBytes = export.payloadBytes(connection.server().limits());
    }

    /// Starts on the request whose header was decoded last.
    void begin() {
        switch (header.type()) {
            case Nbd.CMD_READ -> beginRead();
            case Nbd.CMD_WRITE -> beginWrite();
            case Nbd.CMD_FLUSH -> beginFlush();
            case Nbd.CMD_TRIM -> beginTrim();
            case Nbd.CMD_WRITE_ZEROES -> beginWriteZeroes();
            case Nbd.CMD_CACHE -> beginCache();
            case Nbd.CMD_BLOCK_STATUS -> beginBlockStatus();
            default ->
                    transmission.refuse(
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
            transmission.refuse(
                    negotiated.isChunked() ? NbdError.EOVERFLOW : NbdError.EINVAL,
                    "a read of %d bytes; the limit is %d".formatted(header.length(), payloadBytes));
            return;
        }
        if (header.length() == 0) {
            writer.data(header.cookie(), header.offset(), Buffers.empty());
            return;
        }
        NbdCall call = newCall(BufferPool.costBytes(header.length()));
        if (transmission.admit(call)) {
            submitRead(call);
        }
    }

    /// Goes on with a read that was admitted.
    void submitRead(NbdCall call) {
        if (!transmission.putOff(call)) {
            startRead(call);
        }
    }

    /// Goes on with a read that is not put off, or no longer.
    void startRead(NbdCall call) {
        IoTag tag = tag(Operation.READ, call);
        transmission.submit(
                call,
                new IoRequest.Read(
                        tag, call.offset, call.length, connection.stream().canSendFiles()));
    }

    private void beginWrite() {
        if (negotiated.isExtended() && !header.has(Nbd.CMD_FLAG_PAYLOAD_LEN)) {
            transmission.refuse(NbdError.EINVAL, "a write without a payload");
            return;
        }
        if (isRefused(check.flags(extendedFlag())) || isRefused(check.changeOf(NbdError.ENOSPC))) {
            return;
        }
        if (header.length() > payloadBytes) {
            transmission.refuse(
                    NbdError.EINVAL,
                    "a write of %d bytes; the limit is %d"
                            .formatted(header.length(), payloadBytes));
            return;
        }
        if (isEmptyChange()) {
            return;
        }
        NbdCall call = newCall(BufferPool.costBytes(header.length()));
        if (transmission.admit(call)) {
            transmission.gather(call);
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

    /// Goes on with a call whose payload is complete.
    void payloadArrived(NbdCall call, Buffers payload) {
        if (call.type == Nbd.CMD_BLOCK_STATUS) {
            byte[] bytes = payload.toBytes();
            payload.release();
            submitBlockStatusOfSome(call, bytes);
            return;
        }
        call.payload = payload;
        transmission.submit(
                call,
                new IoRequest.Write(
                        tag(Operation.WRITE, call), call.offset, payload, durability(call), true));
    }

    private void beginFlush() {
        if (isRefused(check.flags(0))) {
            return;
        }
        if (header.offset() != 0 || header.length() != 0) {
            transmission.refuse(NbdError.EINVAL, "a flush has no range");
            return;
        }
        NbdCall call = newCall(0);
        transmission.submit(call, new IoRequest.Flush(tag(Operation.FLUSH, call)));
    }

    private void beginTrim() {
        if (isRefused(check.flags(0))
                || isRefused(check.changeOf(NbdError.EINVAL))
                || isEmptyChange()) {
            return;
        }
        NbdCall call = newCall(0);
        transmission.submit(
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
        transmission.submit(
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
        transmission.submit(
                call,
                new IoRequest.Prefetch(tag(Operation.PREFETCH, call), call.offset, call.length));
    }

    private void beginBlockStatus() {
        if (isRefused(check.flags(Nbd.CMD_FLAG_REQ_ONE | extendedFlag()))) {
            return;
        }
        if (negotiated.contexts().isEmpty()) {
            transmission.refuse(NbdError.EINVAL, "no metadata context was selected");
            return;
        }
        if (header.has(Nbd.CMD_FLAG_PAYLOAD_LEN)) {
            beginBlockStatusOfSome();
            return;
        }
        if (header.length() == 0) {
            transmission.refuse(NbdError.EINVAL, "the status of no bytes");
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
            transmission.refuse(
                    NbdError.EINVAL, "a block status payload of %d bytes".formatted(payload));
            return;
        }
        if (!transmission.gatherShort(newCall(0), payload)) {
            transmission.refuse(NbdError.ENOMEM, "the buffer pool is spent");
        }
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
                new NbdCall(
                        transmission, call.type, call.flags, call.cookie, call.offset, length, 0);
        ranged.contexts = contexts;
        submitBlockStatus(ranged);
    }

    private void submitBlockStatus(NbdCall call) {
        transmission.submit(
                call, new IoRequest.Locate(tag(Operation.LOCATE, call), call.offset, call.length));
    }

    private boolean isRefused(RequestCheck.Refusal refusal) {
        if (refusal != null) {
            transmission.refuse(refusal.error(), refusal.message());
        }
        return refusal != null;
    }

    private NbdCall newCall(long costBytes) {
        return new NbdCall(
                transmission,
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
}

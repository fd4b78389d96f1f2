package org.unifiedvolume.targets.nbd.wire;

import org.unifiedvolume.transport.Inbox;
import org.unifiedvolume.transport.Outbox;
import org.unifiedvolume.transport.ProtocolFault;

/// The header of a request, compact (28 bytes) or extended (32 bytes), as section "Request message"
/// lays it out. One object is filled anew for each request that a session decodes.
///
/// ```
///  compact    magic:4 flags:2 type:2 cookie:8 offset:8 length:4
///  extended   magic:4 flags:2 type:2 cookie:8 offset:8 length:8
/// ```
public final class RequestHeader {
    private final boolean extended;
    private int flags;
    private int type;
    private long cookie;
    private long offset;
    private long length;

    public RequestHeader(boolean extended) {
        this.extended = extended;
    }

    /// How many bytes the header has.
    public int bytes() {
        return extended ? Nbd.EXTENDED_REQUEST_BYTES : Nbd.COMPACT_REQUEST_BYTES;
    }

    /// Decodes the header at the front of the inbox, which must hold [#bytes], and consumes it.
    ///
    /// @throws ProtocolFault if the magic number is wrong: the stream is out of step
    public void decode(Inbox in) throws ProtocolFault {
        int magic = in.intAt(0);
        int wanted = extended ? Nbd.EXTENDED_REQUEST_MAGIC : Nbd.REQUEST_MAGIC;
        if (magic != wanted) {
            throw new ProtocolFault(
                    "NBD, request message",
                    "a request starts with 0x%08x instead of 0x%08x".formatted(magic, wanted));
        }
        flags = in.shortAt(4) & 0xffff;
        type = in.shortAt(6) & 0xffff;
        cookie = in.longAt(8);
        offset = in.longAt(16);
        length = extended ? in.longAt(24) : Integer.toUnsignedLong(in.intAt(24));
        in.skip(bytes());
    }

    /// Encodes a request's header.
    public static void encode(
            Outbox out,
            boolean extended,
            int flags,
            int type,
            long cookie,
            long offset,
            long length) {
        if (extended) {
            out.header(Nbd.EXTENDED_REQUEST_BYTES).putInt(Nbd.EXTENDED_REQUEST_MAGIC);
        } else {
            out.header(Nbd.COMPACT_REQUEST_BYTES).putInt(Nbd.REQUEST_MAGIC);
        }
        out.putShort(flags).putShort(type).putLong(cookie).putLong(offset);
        if (extended) {
            out.putLong(length);
        } else {
            out.putInt((int) length);
        }
    }

    public int flags() {
        return flags;
    }

    public boolean has(int flag) {
        return (flags & flag) != 0;
    }

    public int type() {
        return type;
    }

    public long cookie() {
        return cookie;
    }

    /// As sent: may be negative, which no export holds.
    public long offset() {
        return offset;
    }

    /// The length of the payload or of the range. As sent: may be negative in an extended header.
    public long length() {
        return length;
    }

    /// How many payload bytes follow the header.
    public long payloadLength() {
        if (extended) {
            return has(Nbd.CMD_FLAG_PAYLOAD_LEN) ? length : 0;
        }
        return type == Nbd.CMD_WRITE ? length : 0;
    }
}

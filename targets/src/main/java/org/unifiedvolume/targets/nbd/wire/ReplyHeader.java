package org.unifiedvolume.targets.nbd.wire;

import org.unifiedvolume.transport.Inbox;
import org.unifiedvolume.transport.ProtocolFault;

/// The header of a reply: simple (16 bytes), structured (20) or extended (32). One object is filled
/// anew for each reply that a session decodes.
///
/// ```
///  simple      magic:4 error:4 cookie:8
///  structured  magic:4 flags:2 type:2 cookie:8 length:4
///  extended    magic:4 flags:2 type:2 cookie:8 offset:8 length:8
/// ```
public final class ReplyHeader {
    private final boolean extended;
    private boolean simple;
    private int error;
    private int flags;
    private int type;
    private long cookie;
    private long length;

    public ReplyHeader(boolean extended) {
        this.extended = extended;
    }

    /// Decodes the header at the front of the inbox and consumes it, if it has wholly arrived.
    ///
    /// @return false if bytes are missing; nothing was consumed
    /// @throws ProtocolFault if the magic number is none that was negotiated
    public boolean decode(Inbox in) throws ProtocolFault {
        if (!in.has(extended ? Nbd.EXTENDED_REPLY_BYTES : Nbd.SIMPLE_REPLY_BYTES)) {
            return false;
        }
        int magic = in.intAt(0);
        if (extended) {
            check(magic == Nbd.EXTENDED_REPLY_MAGIC, magic);
            simple = false;
            length = in.longAt(24);
        } else if (magic == Nbd.SIMPLE_REPLY_MAGIC) {
            simple = true;
            error = in.intAt(4);
            cookie = in.longAt(8);
            length = 0;
            in.skip(Nbd.SIMPLE_REPLY_BYTES);
            return true;
        } else {
            check(magic == Nbd.STRUCTURED_REPLY_MAGIC, magic);
            if (!in.has(Nbd.STRUCTURED_REPLY_BYTES)) {
                return false;
            }
            simple = false;
            length = Integer.toUnsignedLong(in.intAt(16));
        }
        flags = in.shortAt(4) & 0xffff;
        type = in.shortAt(6) & 0xffff;
        cookie = in.longAt(8);
        in.skip(extended ? Nbd.EXTENDED_REPLY_BYTES : Nbd.STRUCTURED_REPLY_BYTES);
        return true;
    }

    private static void check(boolean known, int magic) throws ProtocolFault {
        if (!known) {
            throw new ProtocolFault(
                    "NBD, reply message", "a reply starts with 0x%08x".formatted(magic));
        }
    }

    /// Whether this is a simple reply: it has an error instead of flags, type and length.
    public boolean isSimple() {
        return simple;
    }

    /// The error of a simple reply; 0 for success.
    public int error() {
        return error;
    }

    /// Whether no further chunk follows for this request.
    public boolean isLast() {
        return simple || (flags & Nbd.REPLY_FLAG_DONE) != 0;
    }

    public int type() {
        return type;
    }

    public boolean isError() {
        return !simple && (type & Nbd.REPLY_TYPE_ERROR_BIT) != 0;
    }

    public long cookie() {
        return cookie;
    }

    /// The payload bytes behind a structured or extended header. As sent: may be negative in an
    /// extended header.
    public long length() {
        return length;
    }
}

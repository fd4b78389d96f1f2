package org.unifiedvolume.targets.nbd.export;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.buffer.FileRange;
import org.unifiedvolume.targets.nbd.wire.Nbd;
import org.unifiedvolume.targets.nbd.wire.NbdError;
import org.unifiedvolume.transport.Outbox;

/// Lays out replies of the transmission phase in the way that was negotiated (sections "Simple
/// reply message", "Structured reply chunk message", "Extended reply chunk message").
final class ReplyWriter {
    private static final int MAX_MESSAGE_BYTES = 1024;

    private final Outbox out;
    private final Negotiated.Replies layout;

    ReplyWriter(Outbox out, Negotiated.Replies layout) {
        this.out = out;
        this.layout = layout;
    }

    /// Success with nothing to bring.
    void done(long cookie, long offset) {
        if (layout == Negotiated.Replies.EXTENDED) {
            chunk(Nbd.REPLY_FLAG_DONE, Nbd.REPLY_TYPE_NONE, cookie, offset, 0, 0);
        } else {
            // Also with structured replies a simple one is right where there is no payload.
            simple(cookie, 0);
        }
    }

    /// The bytes of a read; takes over one reference to them.
    void data(long cookie, long offset, Buffers payload) {
        dataHeader(cookie, offset, payload.length());
        out.payload(payload);
    }

    /// The bytes of a read, where they lie in a file; takes over the range's reference.
    void file(long cookie, long offset, FileRange range) {
        dataHeader(cookie, offset, range.lengthBytes());
        out.file(range);
    }

    private void dataHeader(long cookie, long offset, long length) {
        if (layout == Negotiated.Replies.SIMPLE) {
            simple(cookie, 0);
        } else if (length == 0) {
            chunk(Nbd.REPLY_FLAG_DONE, Nbd.REPLY_TYPE_NONE, cookie, offset, 0, 0);
        } else {
            chunk(Nbd.REPLY_FLAG_DONE, Nbd.REPLY_TYPE_OFFSET_DATA, cookie, offset, 8 + length, 8)
                    .putLong(offset);
        }
    }

    /// Failure. Chunked replies carry the message too.
    ///
    /// @param isRead whether it answers a read: those are never answered simply once replies are
    ///     structured
    void error(long cookie, long offset, NbdError error, String message, boolean isRead) {
        if (layout == Negotiated.Replies.SIMPLE
                || (layout == Negotiated.Replies.STRUCTURED && !isRead)) {
            simple(cookie, error.number());
            return;
        }
        byte[] text = message.getBytes(StandardCharsets.UTF_8);
        int length = Math.min(text.length, MAX_MESSAGE_BYTES);
        while (length < text.length && (text[length] & 0xc0) == 0x80) {
            length--; // a character of several bytes is sent wholly or not at all
        }
        chunk(Nbd.REPLY_FLAG_DONE, Nbd.REPLY_TYPE_ERROR, cookie, offset, 6 + length, 6 + length)
                .putInt(error.number())
                .putShort(length)
                .putBytes(length == text.length ? text : Arrays.copyOf(text, length));
    }

    /// Starts a chunk of block status.
    ///
    /// @param count how many descriptors follow by [#extent]
    void status(boolean last, long cookie, long offset, int contextId, int count) {
        int flags = last ? Nbd.REPLY_FLAG_DONE : 0;
        if (layout == Negotiated.Replies.EXTENDED) {
            chunk(flags, Nbd.REPLY_TYPE_BLOCK_STATUS_EXT, cookie, offset, 8 + 16L * count, 8)
                    .putInt(contextId)
                    .putInt(count);
        } else {
            chunk(flags, Nbd.REPLY_TYPE_BLOCK_STATUS, cookie, offset, 4 + 8L * count, 4)
                    .putInt(contextId);
        }
    }

    /// One descriptor of a block status chunk.
    void extent(long lengthBytes, int state) {
        if (layout == Negotiated.Replies.EXTENDED) {
            out.header(16).putLong(lengthBytes).putLong(state);
        } else {
            out.header(8).putInt((int) lengthBytes).putInt(state);
        }
    }

    /// The longest extent that one descriptor can tell of.
    long maxExtentBytes() {
        // Compact lengths have 32 bits; the largest round number keeps descriptors on any grid.
        return layout == Negotiated.Replies.EXTENDED ? Long.MAX_VALUE : 0xfffff000L;
    }

    private void simple(long cookie, int error) {
        out.header(Nbd.SIMPLE_REPLY_BYTES)
                .putInt(Nbd.SIMPLE_REPLY_MAGIC)
                .putInt(error)
                .putLong(cookie);
    }

    /// Writes a chunk's header.
    ///
    /// @param length the chunk's payload
    /// @param more how many bytes of it the caller puts into the same header
    private Outbox chunk(int flags, int type, long cookie, long offset, long length, int more) {
        if (layout == Negotiated.Replies.EXTENDED) {
            return out.header(Nbd.EXTENDED_REPLY_BYTES + more)
                    .putInt(Nbd.EXTENDED_REPLY_MAGIC)
                    .putShort(flags)
                    .putShort(type)
                    .putLong(cookie)
                    .putLong(offset)
                    .putLong(length);
        }
        return out.header(Nbd.STRUCTURED_REPLY_BYTES + more)
                .putInt(Nbd.STRUCTURED_REPLY_MAGIC)
                .putShort(flags)
                .putShort(type)
                .putLong(cookie)
                .putInt((int) length);
    }
}

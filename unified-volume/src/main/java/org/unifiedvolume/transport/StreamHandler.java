package org.unifiedvolume.transport;

/// A session's end of a [ByteStream]; called on the stream's loop.
public interface StreamHandler {
    /// Bytes have been received. The handler consumes what it can from the inbox.
    void received(ByteStream stream);

    /// A flush has sent everything that was in the outbox.
    void drained(ByteStream stream);

    /// The stream has ended; called once, last of all.
    ///
    /// @param reason why, as a phrase for messages: "the peer closed the connection"
    void closed(ByteStream stream, String reason);
}

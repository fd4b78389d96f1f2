package org.unifiedvolume.transport;

import java.io.IOException;
import java.net.SocketAddress;
import org.unifiedvolume.loop.Loop;

/// A connection as its session sees it. Only on the loop's thread, but for [#loop] and [#peer].
public interface ByteStream {
    Loop loop();

    SocketAddress peer();

    /// What has been received and not yet consumed.
    Inbox inbox();

    /// What is to be sent. Nothing leaves before [#flush].
    Outbox outbox();

    /// Sends what waits in the outbox, as much as the peer takes now; the rest follows by itself.
    void flush();

    /// Flushes once when the events at hand have been handled, however often this is called.
    void flushAtEnd();

    /// Stops receiving, so that the peer is held back; what has been received stays.
    void pauseReading();

    /// Receives again, and calls the handler for what is still in the inbox.
    void resumeReading();

    /// Whether the outbox takes ranges of files.
    boolean canSendFiles();

    /// Whether the inbox may be asked for payloads in pipes ([Inbox#gatherInPipe]).
    boolean canFillPipes();

    /// Whether [#startTls] can be used.
    boolean canEncrypt();

    /// Encrypts everything from here on: what is in the outbox is sent as it is, then the TLS
    /// handshake starts, and what is received afterwards is decrypted. If the handshake fails the
    /// stream is closed with the reason.
    ///
    /// @throws IOException if the settings cannot be used; the stream goes on as before
    void startTls(TlsSettings settings, boolean asClient) throws IOException;

    /// Ends the stream and tells the handler with `reason`. What waits in the outbox is dropped
    /// unless it could be sent at once.
    void close(String reason);

    boolean isOpen();
}

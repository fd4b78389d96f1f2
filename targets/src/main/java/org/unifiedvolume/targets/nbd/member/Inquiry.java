package org.unifiedvolume.targets.nbd.member;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import org.unifiedvolume.device.Timers;
import org.unifiedvolume.targets.nbd.member.ClientHandshake.Goal;
import org.unifiedvolume.transport.ByteStream;
import org.unifiedvolume.transport.ProtocolFault;
import org.unifiedvolume.transport.StreamHandler;
import org.unifiedvolume.transport.TlsSettings;

/// One connection that only asks a server something, and leaves before the transmission phase.
///
/// Owned by the stream's loop.
final class Inquiry implements StreamHandler {
    private final ByteStream stream;
    private final ClientHandshake handshake;
    private final CompletableFuture<ClientHandshake> answer;
    private final Timers.Cancellable watch;

    /// @param goal what to ask; not [Goal#TRANSMIT]
    /// @param answer is completed with the handshake that has reached the goal, or with the reason
    ///     why none has
    Inquiry(
            ByteStream stream,
            String exportName,
            TlsSettings tls,
            Goal goal,
            long timeoutNanos,
            CompletableFuture<ClientHandshake> answer) {
        this.stream = stream;
        this.handshake = new ClientHandshake(stream, exportName, tls, goal);
        this.answer = answer;
        this.watch =
                stream.loop().after(timeoutNanos, () -> stream.close("the server does not answer"));
    }

    @Override
    public void received(ByteStream from) {
        try {
            if (handshake.received()) {
                handshake.abort();
                answer.complete(handshake);
                stream.close("all is known");
            }
        } catch (ProtocolFault | IOException e) {
            stream.close(e.getMessage());
        }
    }

    @Override
    public void drained(ByteStream from) {}

    @Override
    public void closed(ByteStream from, String reason) {
        watch.cancel();
        answer.completeExceptionally(new IOException(reason));
    }
}

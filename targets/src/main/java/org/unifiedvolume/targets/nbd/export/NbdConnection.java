package org.unifiedvolume.targets.nbd.export;

import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.linux.SocketCalls;
import org.unifiedvolume.transport.ByteStream;
import org.unifiedvolume.transport.ProtocolFault;
import org.unifiedvolume.transport.StreamHandler;

/// One client, from its connection to its end: first the handshake, then the transmission phase.
final class NbdConnection implements StreamHandler {
    private static final Logger LOG = LoggerFactory.getLogger(NbdConnection.class);

    /// One phase of a connection.
    interface Phase {
        void received() throws ProtocolFault;

        void drained();

        /// The server is being stopped.
        void stop();

        void closed();
    }

    private final NbdServer server;
    private final ByteStream stream;
    private final int client;
    private final Consumer<NbdConnection> gone;
    private Phase phase;

    NbdConnection(NbdServer server, ByteStream stream, int client, Consumer<NbdConnection> gone) {
        this.server = server;
        this.stream = stream;
        this.client = client;
        this.gone = gone;
        NbdHandshake handshake = new NbdHandshake(this);
        this.phase = handshake;
        handshake.start();
    }

    NbdServer server() {
        return server;
    }

    ByteStream stream() {
        return stream;
    }

    int client() {
        return client;
    }

    String peer() {
        return SocketCalls.name(stream.peer());
    }

    /// Ends the handshake: from now on the client sends requests.
    void transmit(NbdExport export, Negotiated negotiated) {
        LOG.info("{}: client {} connected to \"{}\"", server.address(), peer(), export.name());
        phase = new NbdTransmission(this, export, negotiated);
    }

    @Override
    public void received(ByteStream from) {
        try {
            Phase before;
            do {
                before = phase;
                before.received();
            } while (phase != before && stream.isOpen());
        } catch (ProtocolFault e) {
            LOG.warn("{}: closing {}: {}", server.address(), peer(), e.getMessage());
            stream.close(e.getMessage());
            return;
        }
        stream.flushAtEnd();
    }

    @Override
    public void drained(ByteStream from) {
        phase.drained();
    }

    @Override
    public void closed(ByteStream from, String reason) {
        gone.accept(this);
        LOG.debug("{}: client {} is gone: {}", server.address(), peer(), reason);
        phase.closed();
    }

    /// The server is being stopped; on any thread.
    void stop() {
        stream.loop().execute(() -> phase.stop());
    }
}

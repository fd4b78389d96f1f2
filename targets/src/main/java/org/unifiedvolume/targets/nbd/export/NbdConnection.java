package org.unifiedvolume.targets.nbd.export;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.linux.SocketCalls;
import org.unifiedvolume.transport.ByteStream;
import org.unifiedvolume.transport.ProtocolFault;
import org.unifiedvolume.transport.StreamHandler;
import org.unifiedvolume.volume.Volume;

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
    private final Consumer<NbdConnection> gone;
    private final CountDownLatch end = new CountDownLatch(1);
    private Phase phase;
    private volatile NbdExport export;
    private Volume.Client client;

    NbdConnection(NbdServer server, ByteStream stream, Consumer<NbdConnection> gone) {
        this.server = server;
        this.stream = stream;
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

    /// The export that the client uses; null during the handshake.
    NbdExport export() {
        return export;
    }

    /// The client's number in tags.
    int client() {
        return client.id();
    }

    String peer() {
        return SocketCalls.name(stream.peer());
    }

    /// Ends the handshake: from now on the client sends requests.
    void transmit(NbdExport chosen, Negotiated negotiated) {
        LOG.info("{} connected to volume {}", peer(), chosen.volume().name());
        client = chosen.volume().connect("nbd " + peer());
        export = chosen;
        phase = new NbdTransmission(this, chosen, negotiated);
        if (!server.offers(chosen)) {
            stop(); // it was withdrawn meanwhile, and the one who did may have missed this client
        }
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
            LOG.warn("closing {}: {}", peer(), e.getMessage());
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
        if (client == null) {
            LOG.debug("{} left during the handshake: {}", peer(), reason);
        } else {
            LOG.info("{} left volume {}: {}", peer(), export.volume().name(), reason);
            export.volume().disconnect(client);
        }
        phase.closed();
        end.countDown();
    }

    /// The server is being stopped; on any thread.
    void stop() {
        stream.loop().execute(() -> phase.stop());
    }

    /// Ends the connection whatever is under way; on any thread.
    void cutOff() {
        stream.loop().execute(() -> stream.close("the server is being stopped"));
    }

    /// Waits until the connection has ended.
    boolean awaitEnd(long nanos) {
        try {
            return end.await(nanos, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}

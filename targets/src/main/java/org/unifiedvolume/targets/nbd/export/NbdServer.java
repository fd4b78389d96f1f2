package org.unifiedvolume.targets.nbd.export;

import java.io.IOException;
import java.net.SocketAddress;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.buffer.Admission;
import org.unifiedvolume.linux.SocketCalls;
import org.unifiedvolume.transport.ByteStream;
import org.unifiedvolume.transport.StreamHandler;
import org.unifiedvolume.transport.Transport;

/// One listening address with the exports that are offered on it.
///
/// Exports may come and go while clients are connected. Safe for concurrent use.
public final class NbdServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NbdServer.class);
    private final NbdLimits limits;
    private final NbdTls tls;
    private final Admission admission;
    private final Map<String, NbdExport> exports = new ConcurrentSkipListMap<>();
    private final Set<NbdConnection> connections = ConcurrentHashMap.newKeySet();
    private Transport.Listener listener;
    private volatile boolean stopping;

    private NbdServer(NbdLimits limits, NbdTls tls, Admission admission) {
        this.limits = limits;
        this.tls = tls;
        this.admission = admission;
    }

    /// Starts to listen.
    ///
    /// @param tls the TLS to offer; null for none. Its streams must come from a transport that can
    ///     encrypt
    /// @throws IOException naming the address, if it cannot be listened on
    public static NbdServer listen(
            Transport transport,
            SocketAddress address,
            NbdLimits limits,
            NbdTls tls,
            Admission admission)
            throws IOException {
        NbdServer server = new NbdServer(limits, tls, admission);
        server.listener = transport.listen(address, server::accept);
        return server;
    }

    public SocketAddress address() {
        return listener.address();
    }

    /// Offers an export from now on.
    ///
    /// @throws IllegalArgumentException if the name is taken
    public void add(NbdExport export) {
        if (exports.putIfAbsent(export.name(), export) != null) {
            throw new IllegalArgumentException(
                    "%s offers an export named \"%s\" already"
                            .formatted(SocketCalls.name(address()), export.name()));
        }
    }

    /// The export that a client asks for, or null. An empty name stands for the only export, if
    /// there is but one.
    NbdExport find(String name) {
        NbdExport export = exports.get(name);
        if (export == null && name.isEmpty() && exports.size() == 1) {
            return exports.values().iterator().next();
        }
        return export;
    }

    /// Whether an export has not been withdrawn.
    boolean offers(NbdExport export) {
        return export.equals(exports.get(export.name()));
    }

    Collection<NbdExport> list() {
        return new TreeMap<>(exports).values();
    }

    /// Withdraws an export: its clients are disconnected when what they asked for has been
    /// answered. Waits for that, a bounded time; whoever is still there then is cut off.
    void remove(NbdExport export, long waitNanos) {
        exports.remove(export.name(), export);
        List<NbdConnection> users =
                connections.stream().filter(c -> export.equals(c.export())).toList();
        users.forEach(NbdConnection::stop);
        long end = System.nanoTime() + waitNanos;
        for (NbdConnection user : users) {
            if (!user.awaitEnd(end - System.nanoTime())) {
                LOG.warn("{}: cutting {} off", SocketCalls.name(address()), user.peer());
                user.cutOff();
                user.awaitEnd(waitNanos);
            }
        }
    }

    boolean isEmpty() {
        return exports.isEmpty();
    }

    NbdTls tls() {
        return tls;
    }

    NbdLimits limits() {
        return limits;
    }

    Admission admission() {
        return admission;
    }

    private StreamHandler accept(ByteStream stream) {
        if (stopping) {
            return null;
        }
        if (connections.size() >= limits.connections()) {
            LOG.warn(
                    "{}: turned {} away, {} clients are connected",
                    SocketCalls.name(address()),
                    SocketCalls.name(stream.peer()),
                    limits.connections());
            return null;
        }
        NbdConnection connection = new NbdConnection(this, stream, connections::remove);
        connections.add(connection);
        if (stopping) {
            connection.stop(); // the one who closes may have missed it
        }
        return connection;
    }

    public int connectionCount() {
        return connections.size();
    }

    /// Stops listening and ends all connections; requests being worked on are answered first.
    @Override
    public void close() {
        stopping = true;
        listener.close();
        connections.forEach(NbdConnection::stop);
    }
}

package org.unifiedvolume.control;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.device.Timers;

/// Listens on the service's socket and has commands carried out, one for each connection.
///
/// Rubbish, silence and clients that do not read are answered or cut off after a limited time, and
/// trouble nobody else.
public final class ControlServer implements AutoCloseable {
    /// Carries out commands.
    public interface Handler {
        /// Carries out one command; may block.
        ///
        /// @return the result
        /// @throws ControlFault if it cannot be done
        /// @throws IOException from `events`: the client has left
        Map<String, Object> handle(Request request, Events events) throws ControlFault, IOException;
    }

    /// Takes what a command tells on the way.
    public interface Events {
        void send(Map<String, Object> event) throws IOException;

        /// Shows that the command goes on; a client that has left is noticed.
        void idle() throws IOException;
    }

    private static final Logger LOG = LoggerFactory.getLogger(ControlServer.class);
    private static final int MAX_CONNECTIONS = 64;
    private static final int MAX_REQUEST_BYTES = 64 * 1024;
    private static final long DEFAULT_PATIENCE_NANOS = 10_000_000_000L;

    private final Path socket;
    private final ServerSocketChannel listener;
    private final Handler handler;
    private final Timers timers;
    private final long patienceNanos;
    private final Set<SocketChannel> connections = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;

    private ControlServer(
            Path socket,
            ServerSocketChannel listener,
            Handler handler,
            Timers timers,
            long patienceNanos) {
        this.socket = socket;
        this.listener = listener;
        this.handler = handler;
        this.timers = timers;
        this.patienceNanos = patienceNanos;
    }

    /// Listens at a path. A socket that is there already is taken for the remains of a crash: the
    /// caller holds the lock that every service of this folder takes first.
    ///
    /// @throws IOException if the path cannot be listened on
    public static ControlServer listen(Path socket, Handler handler, Timers timers)
            throws IOException {
        return listen(socket, handler, timers, DEFAULT_PATIENCE_NANOS);
    }

    /// @param patienceNanos how long a client may take to send its request or to read a line
    static ControlServer listen(Path socket, Handler handler, Timers timers, long patienceNanos)
            throws IOException {
        Files.deleteIfExists(socket);
        ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            listener.bind(UnixDomainSocketAddress.of(socket));
            Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
        } catch (IOException e) {
            listener.close();
            throw new IOException("cannot listen on %s: %s".formatted(socket, e.getMessage()), e);
        }
        ControlServer server = new ControlServer(socket, listener, handler, timers, patienceNanos);
        Thread.ofVirtual().name("uvol-control").start(server::accept);
        return server;
    }

    private void accept() {
        while (!closed) {
            try {
                SocketChannel channel = listener.accept();
                Thread.ofVirtual().name("uvol-command").start(() -> serve(channel));
            } catch (ClosedChannelException e) {
                return;
            } catch (IOException e) {
                LOG.warn("{}: cannot accept: {}", socket, e.getMessage());
                if (!pause()) {
                    return;
                }
            }
        }
    }

    /// Waits before the next try, so that a lack of descriptors does not keep a CPU busy.
    private static boolean pause() {
        try {
            Thread.sleep(100);
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void serve(SocketChannel channel) {
        connections.add(channel);
        try (LineChannel lines = new LineChannel(channel, MAX_REQUEST_BYTES)) {
            if (connections.size() > MAX_CONNECTIONS) {
                send(channel, lines, new Answer.Failure("the service has too many commands to do"));
                return;
            }
            converse(channel, lines);
        } catch (IOException e) {
            LOG.debug("a client of {} has left: {}", socket, e.getMessage());
        } finally {
            connections.remove(channel);
        }
    }

    private void converse(SocketChannel channel, LineChannel lines) throws IOException {
        Answer end;
        try {
            Timers.Cancellable watchdog = watch(channel);
            String line;
            try {
                line = lines.readLine();
            } finally {
                watchdog.cancel();
            }
            if (line == null) {
                return;
            }
            end = new Answer.Result(answer(channel, lines, line));
        } catch (LineChannel.TooLong e) {
            end = new Answer.Failure("the request is not one: " + e.getMessage());
        } catch (ControlFault e) {
            end = new Answer.Failure(e.getMessage());
        } catch (RuntimeException e) {
            LOG.error("a command failed within the service", e);
            end = new Answer.Failure("the service failed: %s; its log says more".formatted(e));
        }
        send(channel, lines, end);
    }

    private Map<String, Object> answer(SocketChannel channel, LineChannel lines, String line)
            throws ControlFault, IOException {
        Map<String, Object> json;
        try {
            json = Json.readObject(line);
        } catch (IOException e) {
            throw new ControlFault("the request is " + e.getMessage());
        }
        return handler.handle(
                Request.ofJson(json),
                new Events() {
                    @Override
                    public void send(Map<String, Object> event) throws IOException {
                        ControlServer.this.send(channel, lines, new Answer.Event(event));
                    }

                    @Override
                    public void idle() throws IOException {
                        ControlServer.this.send(channel, lines, new Answer.Idle());
                    }
                });
    }

    private void send(SocketChannel channel, LineChannel lines, Answer answer) throws IOException {
        Timers.Cancellable watchdog = watch(channel);
        try {
            lines.writeLine(Json.write(answer.toJson()));
        } finally {
            watchdog.cancel();
        }
    }

    /// Closes the connection unless it is called off in time.
    private Timers.Cancellable watch(SocketChannel channel) {
        return timers.after(
                patienceNanos,
                () -> {
                    try {
                        channel.close();
                    } catch (IOException e) {
                        LOG.debug("{}: cannot close a connection: {}", socket, e.getMessage());
                    }
                });
    }

    /// How many clients are connected.
    public int connectionCount() {
        return connections.size();
    }

    /// Stops listening and cuts off whoever is connected.
    @Override
    public void close() {
        closed = true;
        try {
            listener.close();
            for (SocketChannel channel : connections) {
                channel.close();
            }
            Files.deleteIfExists(socket);
        } catch (IOException e) {
            LOG.warn("{}: cannot close: {}", socket, e.getMessage());
        }
    }
}

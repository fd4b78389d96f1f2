package org.unifiedvolume.transport;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.util.function.Consumer;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.device.Timers;
import org.unifiedvolume.linux.EpollCalls;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.FileCalls;
import org.unifiedvolume.linux.SocketCalls;
import org.unifiedvolume.loop.EventLoop;
import org.unifiedvolume.loop.Loop;
import org.unifiedvolume.loop.LoopGroup;

/// Streams over the kernel's sockets: TCP and Unix domain. Accepted streams go to the loops in
/// turn.
public final class SocketTransport implements Transport {
    private static final Logger LOG = LoggerFactory.getLogger(SocketTransport.class);
    private static final int BACKLOG = 1024;
    private static final int ACCEPTS_PER_TURN = 64;
    private static final long ACCEPT_RETRY_NANOS = 100_000_000;

    /// How long unanswered bytes may stay on the wire before the kernel gives a peer up.
    private static final int USER_TIMEOUT_MILLIS = 60_000;

    private final LoopGroup loops;
    private final BufferPool pool;

    public SocketTransport(LoopGroup loops, BufferPool pool) {
        this.loops = loops;
        this.pool = pool;
    }

    @Override
    public void loops(Consumer<Loop> each) {
        for (int i = 0; i < loops.size(); i++) {
            each.accept(loops.get(i));
        }
    }

    @Override
    public Listener listen(SocketAddress address, Function<ByteStream, StreamHandler> accepted)
            throws IOException {
        StaleSocket.clear(address);
        int fd = SocketCalls.listen(address, BACKLOG);
        SocketAddress bound = address;
        if (address instanceof InetSocketAddress) {
            bound = SocketCalls.localAddress(fd);
        }
        SocketListener listener = new SocketListener(fd, bound, loops.get(0), accepted);
        loops.get(0).execute(listener::start);
        return listener;
    }

    private final class SocketListener implements Listener, EventLoop.Handler {
        private final int fd;
        private final SocketAddress address;
        private final EventLoop loop;
        private final Function<ByteStream, StreamHandler> accepted;
        private EventLoop.Registration registration;
        private boolean closed;

        SocketListener(
                int fd,
                SocketAddress address,
                EventLoop loop,
                Function<ByteStream, StreamHandler> accepted) {
            this.fd = fd;
            this.address = address;
            this.loop = loop;
            this.accepted = accepted;
        }

        void start() {
            registration = loop.register(fd, EpollCalls.EPOLLIN, this);
        }

        @Override
        public SocketAddress address() {
            return address;
        }

        @Override
        public void ready(int mask) {
            try {
                for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
                    SocketCalls.Accepted peer = SocketCalls.accept(fd);
                    if (peer == null) {
                        return;
                    }
                    EventLoop home = loops.next();
                    home.execute(() -> adopt(home, peer));
                }
            } catch (IOException e) {
                LOG.warn("{}: {}; waiting a moment", SocketCalls.name(address), e.getMessage());
                registration.await(0);
                loop.after(
                        ACCEPT_RETRY_NANOS,
                        () -> {
                            if (!closed) {
                                registration.await(EpollCalls.EPOLLIN);
                            }
                        });
            }
        }

        private void adopt(EventLoop home, SocketCalls.Accepted peer) {
            SocketTransport.this.adopt(home, peer.fd(), peer.peer(), accepted);
        }

        @Override
        public void broken(Throwable cause) {
            LOG.error("no longer listening on {}", SocketCalls.name(address), cause);
        }

        @Override
        public void close() {
            loop.execute(
                    () -> {
                        if (closed) {
                            return;
                        }
                        closed = true;
                        registration.cancel();
                        FileCalls.close(fd);
                    });
            if (address instanceof UnixDomainSocketAddress unix) {
                try {
                    Files.deleteIfExists(unix.getPath());
                } catch (IOException e) {
                    LOG.warn("cannot remove the socket {}: {}", unix.getPath(), e.getMessage());
                }
            }
        }
    }

    private void adopt(
            EventLoop home,
            int fd,
            SocketAddress peer,
            Function<ByteStream, StreamHandler> sessions) {
        if (peer instanceof InetSocketAddress) {
            SocketCalls.tuneTcp(fd, USER_TIMEOUT_MILLIS);
        }
        SocketStream stream = new SocketStream(home, fd, peer, pool);
        StreamHandler session = sessions.apply(stream);
        if (session == null) {
            FileCalls.close(fd);
            return;
        }
        stream.start(session);
    }

    @Override
    public void dial(SocketAddress address, Loop loop, long timeoutNanos, Dialled dialled) {
        EventLoop home = (EventLoop) loop;
        home.execute(() -> new Dial(address, home, dialled).start(timeoutNanos));
    }

    /// One attempt to connect.
    private final class Dial implements EventLoop.Handler {
        private final SocketAddress address;
        private final EventLoop loop;
        private final Dialled dialled;
        private int fd;
        private EventLoop.Registration registration;
        private Timers.Cancellable timeout;

        Dial(SocketAddress address, EventLoop loop, Dialled dialled) {
            this.address = address;
            this.loop = loop;
            this.dialled = dialled;
        }

        void start(long timeoutNanos) {
            try {
                fd = SocketCalls.connect(address);
            } catch (IOException e) {
                dialled.failed(e);
                return;
            }
            registration = loop.register(fd, EpollCalls.EPOLLOUT, this);
            timeout = loop.after(timeoutNanos, () -> fail(Errno.ETIMEDOUT));
        }

        @Override
        public void ready(int mask) {
            int error = SocketCalls.connectError(fd);
            if (error != 0) {
                fail(error);
                return;
            }
            timeout.cancel();
            registration.cancel();
            adopt(loop, fd, address, dialled::connected);
        }

        private void fail(int error) {
            timeout.cancel();
            registration.cancel();
            FileCalls.close(fd);
            dialled.failed(
                    new IOException(
                            "cannot connect to %s: %s"
                                    .formatted(SocketCalls.name(address), Errno.meaning(error))));
        }

        @Override
        public void broken(Throwable cause) {
            dialled.failed(new IOException("cannot connect: " + cause.getMessage(), cause));
        }
    }
}

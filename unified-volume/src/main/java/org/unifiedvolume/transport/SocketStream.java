package org.unifiedvolume.transport;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.net.SocketAddress;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.buffer.FileRange;
import org.unifiedvolume.buffer.PipedBuffers;
import org.unifiedvolume.linux.EpollCalls;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.FileCalls;
import org.unifiedvolume.linux.IoVector;
import org.unifiedvolume.linux.SocketCalls;
import org.unifiedvolume.loop.EventLoop;

/// A stream over a socket of the kernel, served by an [EventLoop]: one scatter read and one gather
/// write for each batch of messages.
final class SocketStream implements ByteStream, EventLoop.Handler {
    /// What one gather write takes at the most; more would only wait in the socket.
    private static final long SEND_BYTES = 1 << 20;

    /// How many scatter reads one turn of the loop grants a stream that keeps sending.
    private static final int READS_PER_TURN = 4;

    private static final long STARVED_RETRY_NANOS = 5_000_000;
    private static final String PEER_CLOSED = "the peer closed the connection";

    private final EventLoop loop;
    private final int fd;
    private final SocketAddress peer;
    private final Inbox inbox;
    private final Outbox outbox;
    private final LoopVectors vectors;
    private final Runnable flushTask = this::flushNow;
    private StreamHandler handler;
    private EventLoop.Registration registration;
    private boolean readingPaused;
    private boolean starved;
    private boolean sendBlocked;
    private boolean flushPlanned;
    private boolean receiving;
    private boolean open = true;
    private boolean closing;

    SocketStream(EventLoop loop, int fd, SocketAddress peer, BufferPool pool) {
        this.loop = loop;
        this.fd = fd;
        this.peer = peer;
        this.inbox = new Inbox(pool);
        this.outbox = new Outbox(pool);
        this.vectors = LoopVectors.of(loop);
    }

    /// Starts to serve the socket; on the loop.
    void start(StreamHandler session) {
        handler = session;
        registration = loop.register(fd, EpollCalls.EPOLLIN, this);
        updateMask();
    }

    @Override
    public EventLoop loop() {
        return loop;
    }

    @Override
    public SocketAddress peer() {
        return peer;
    }

    @Override
    public Inbox inbox() {
        return inbox;
    }

    @Override
    public Outbox outbox() {
        return outbox;
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public void ready(int mask) {
        if ((mask & EpollCalls.EPOLLOUT) != 0) {
            flushNow();
        }
        if (!open) {
            return;
        }
        if (readingPaused || starved) {
            // The kernel reports these also to one who does not want to read, again and again.
            if ((mask & EpollCalls.EPOLLERR) != 0) {
                close("the connection failed: " + Errno.meaning(SocketCalls.connectError(fd)));
            } else if ((mask & EpollCalls.EPOLLHUP) != 0) {
                close(PEER_CLOSED);
            }
        } else if ((mask & (EpollCalls.EPOLLIN | EpollCalls.EPOLLHUP | EpollCalls.EPOLLERR)) != 0) {
            receive();
        }
    }

    private void receive() {
        IoVector vector = vectors.receive;
        for (int i = 0; i < READS_PER_TURN && open && !readingPaused; i++) {
            if (inbox.piped() != null) {
                if (!fillPipe(inbox.piped(), i == 0)) {
                    return;
                }
                continue;
            }
            if (!inbox.offerRoom(vector)) {
                starve();
                return;
            }
            long room = vector.totalBytes();
            if (room == 0) {
                return;
            }
            long count =
                    vector.count() == 1
                            ? FileCalls.read(fd, vector.firstAddress(), room)
                            : FileCalls.readv(fd, vector.address(), vector.count());
            if (count == -Errno.EAGAIN || count == -Errno.EINTR) {
                inbox.settle();
                return;
            }
            if (count <= 0) {
                close(count == 0 ? PEER_CLOSED : "the connection failed: " + Errno.meaning(count));
                return;
            }
            loop.moved(count);
            inbox.received(count);
            deliver();
            if (count < room) {
                return;
            }
        }
    }

    /// Moves what has arrived of a payload into its pipe.
    ///
    /// @param hasArrived whether something is known to have
    /// @return whether to go on receiving
    private boolean fillPipe(PipedBuffers payload, boolean hasArrived) {
        long count = payload.fillFrom(fd);
        if (count == -Errno.EINTR) {
            return true;
        }
        if (count == -Errno.EAGAIN && !hasArrived) {
            return false;
        }
        if (count < 0) {
            // The pipe is full: many short packets take as many pages as long ones. Or the kernel
            // cannot do it with this socket. Should the socket be broken, a read will say so.
            inbox.leavePipe();
            return true;
        }
        if (count == 0) {
            close(PEER_CLOSED);
            return false;
        }
        loop.moved(count);
        inbox.receivedInPipe(count);
        if (payload.isFull()) {
            deliver();
        }
        return true;
    }

    private void deliver() {
        receiving = true;
        try {
            handler.received(this);
        } finally {
            receiving = false;
        }
        if (open) {
            inbox.settle();
        }
    }

    /// The pool is spent: the peer is held back for a moment.
    private void starve() {
        starved = true;
        updateMask();
        loop.after(
                STARVED_RETRY_NANOS,
                () -> {
                    starved = false;
                    if (open) {
                        updateMask();
                    }
                });
    }

    @Override
    public void flush() {
        if (registration == null) {
            flushAtEnd(); // the session is being made; it is served from the end of this turn on
        } else if (open) {
            flushNow();
        }
    }

    @Override
    public void flushAtEnd() {
        if (!flushPlanned && open) {
            flushPlanned = true;
            loop.atEnd(flushTask);
        }
    }

    private void flushNow() {
        flushPlanned = false;
        if (outbox.pendingBytes() == 0) {
            return;
        }
        IoVector vector = vectors.send;
        while (open && outbox.pendingBytes() > 0) {
            FileRange range = outbox.fill(vector, SEND_BYTES);
            long count =
                    range == null || vector.count() > 0
                            ? sendMemory(vector, range != null)
                            : sendFile(range);
            if (count == -Errno.EAGAIN) {
                block(true);
                return;
            }
            if (count == -Errno.EINTR) {
                continue;
            }
            if (count < 0) {
                close("the connection failed: " + Errno.meaning(count));
                return;
            }
            loop.moved(count);
            outbox.sent(count);
        }
        if (open) {
            block(false);
            handler.drained(this);
        }
    }

    /// @param more whether a range of a file follows: the kernel then waits for it before it sends
    ///     a short packet
    private long sendMemory(IoVector vector, boolean more) {
        if (vector.count() == 1) {
            return SocketCalls.send(fd, vector.firstAddress(), vector.totalBytes(), more);
        }
        return FileCalls.writev(fd, vector.address(), vector.count());
    }

    private long sendFile(FileRange range) {
        long sent = outbox.headSent();
        vectors.fileOffset.set(ValueLayout.JAVA_LONG, 0, range.offsetBytes() + sent);
        long count =
                FileCalls.sendfile(
                        fd, range.file().fd(), vectors.fileOffset, range.lengthBytes() - sent);
        // The file ends early. The header that promised the bytes has left: there is no way to
        // take it back but to end the connection.
        return count == 0 ? -Errno.EIO : count;
    }

    private void block(boolean blocked) {
        if (blocked != sendBlocked) {
            sendBlocked = blocked;
            updateMask();
        }
    }

    private void updateMask() {
        int mask = sendBlocked ? EpollCalls.EPOLLOUT : 0;
        if (!readingPaused && !starved) {
            mask |= EpollCalls.EPOLLIN;
        }
        registration.await(mask);
    }

    @Override
    public void pauseReading() {
        if (!readingPaused && open) {
            readingPaused = true;
            updateMask();
        }
    }

    @Override
    public void resumeReading() {
        if (readingPaused && open) {
            readingPaused = false;
            updateMask();
            if (!receiving) {
                deliver();
            }
        }
    }

    @Override
    public boolean canFillPipes() {
        return true;
    }

    @Override
    public boolean canSendFiles() {
        return true;
    }

    @Override
    public boolean canEncrypt() {
        return false;
    }

    @Override
    public void startTls(TlsSettings settings, boolean asClient) throws IOException {
        throw new IOException("this stream cannot be encrypted");
    }

    @Override
    public void close(String reason) {
        if (closing) {
            return;
        }
        // Sending may fail, and would close the stream from within.
        closing = true;
        flushNow();
        open = false;
        registration.cancel();
        FileCalls.close(fd);
        inbox.close();
        outbox.close();
        handler.closed(this, reason);
    }

    @Override
    public void broken(Throwable cause) {
        outbox.close();
        close("an internal error: " + cause.getMessage());
    }
}

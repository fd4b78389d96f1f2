package org.unifiedvolume.testkit;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.linux.IoVector;
import org.unifiedvolume.loop.Loop;
import org.unifiedvolume.transport.ByteStream;
import org.unifiedvolume.transport.Inbox;
import org.unifiedvolume.transport.Outbox;
import org.unifiedvolume.transport.StreamHandler;
import org.unifiedvolume.transport.TlsSettings;

/// A stream without a network: a test feeds the bytes of the peer and looks at what is sent.
///
/// Everything happens on the calling thread; what is to happen later, on the loop that was given.
public final class MemoryStream implements ByteStream {
    private static final long STARVED_RETRY_NANOS = 5_000_000;

    private final Loop loop;
    private final Inbox inbox;
    private final Outbox outbox;
    private final IoVector vector = new IoVector(IoVector.MAX_ENTRIES);
    private final ByteArrayOutputStream sent = new ByteArrayOutputStream();
    private final Runnable flushTask = this::flush;
    private ByteBuffer unread = ByteBuffer.allocate(0);
    private StreamHandler handler;
    private boolean readingPaused;
    private boolean receiving;
    private boolean open = true;
    private boolean closing;
    private String closeReason;

    public MemoryStream(Loop loop, BufferPool pool) {
        this.loop = loop;
        this.inbox = new Inbox(pool);
        this.outbox = new Outbox(pool);
    }

    /// Gives the stream its session.
    public void start(StreamHandler session) {
        handler = session;
    }

    /// What the session has sent since this was asked last.
    public byte[] takeSent() {
        byte[] bytes = sent.toByteArray();
        sent.reset();
        return bytes;
    }

    /// Why the stream was closed; null while it is open.
    public String closeReason() {
        return closeReason;
    }

    /// The peer sends bytes.
    public void feed(byte[] bytes) {
        ByteBuffer all = ByteBuffer.allocate(unread.remaining() + bytes.length);
        unread = all.put(unread).put(bytes).flip();
        receive();
    }

    /// The peer ends the connection.
    public void feedEnd() {
        close("the peer closed the connection");
    }

    private void receive() {
        while (open && !readingPaused && !receiving && unread.hasRemaining()) {
            if (!inbox.offerRoom(vector)) {
                loop.after(STARVED_RETRY_NANOS, this::receive);
                return;
            }
            int count = vector.copyFrom(unread);
            if (count == 0) {
                return;
            }
            inbox.received(count);
            deliver();
        }
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

    @Override
    public Loop loop() {
        return loop;
    }

    @Override
    public SocketAddress peer() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);
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
    public void flush() {
        if (!open || outbox.pendingBytes() == 0) {
            return;
        }
        while (outbox.pendingBytes() > 0) {
            outbox.fill(vector, 1 << 20);
            long count = vector.totalBytes();
            for (ByteBuffer part : vector.toByteBuffers()) {
                byte[] bytes = new byte[part.remaining()];
                part.get(bytes);
                sent.writeBytes(bytes);
            }
            outbox.sent(count);
        }
        if (handler != null) {
            handler.drained(this);
        }
    }

    @Override
    public void flushAtEnd() {
        loop.atEnd(flushTask);
    }

    @Override
    public void pauseReading() {
        readingPaused = true;
    }

    @Override
    public void resumeReading() {
        if (readingPaused && open) {
            readingPaused = false;
            if (!receiving) {
                deliver();
                receive();
            }
        }
    }

    @Override
    public boolean canFillPipes() {
        return false;
    }

    @Override
    public boolean canSendFiles() {
        return false;
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
        if (!open || closing) {
            return;
        }
        closing = true;
        flush();
        open = false;
        closeReason = reason;
        inbox.close();
        outbox.close();
        handler.closed(this, reason);
    }

    @Override
    public boolean isOpen() {
        return open;
    }
}

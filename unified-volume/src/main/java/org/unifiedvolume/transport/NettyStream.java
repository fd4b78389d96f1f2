package org.unifiedvolume.transport;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import javax.net.ssl.SSLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.linux.IoVector;
import org.unifiedvolume.loop.Loop;

/// A stream over a Netty channel: for TLS, and for hosts without `epoll`.
///
/// Received bytes are copied into the inbox once, after decryption; what is sent is handed to Netty
/// by reference. Everything happens on the channel's event loop.
final class NettyStream extends ChannelInboundHandlerAdapter implements ByteStream {
    private static final Logger LOG = LoggerFactory.getLogger(NettyStream.class);
    private static final long SEND_BYTES = 1 << 20;
    private static final long STARVED_RETRY_NANOS = 5_000_000;

    private final Channel channel;
    private final NettyLoop loop;
    private final Inbox inbox;
    private final Outbox outbox;
    private final IoVector receiveVector = new IoVector(IoVector.MAX_ENTRIES);
    private final IoVector sendVector = new IoVector(IoVector.MAX_ENTRIES);
    private StreamHandler handler;
    private ByteBuf unread;
    private boolean readingPaused;
    private boolean delivering;
    private boolean flushPlanned;
    private long beingSent;
    private boolean open = true;
    private boolean ending;
    private String closeReason = "the peer closed the connection";
    private boolean closeWhenSent;

    NettyStream(Channel channel, NettyLoop loop, BufferPool pool) {
        this.channel = channel;
        this.loop = loop;
        this.inbox = new Inbox(pool);
        this.outbox = new Outbox(pool);
    }

    void start(StreamHandler session) {
        handler = session;
    }

    @Override
    public Loop loop() {
        return loop;
    }

    @Override
    public SocketAddress peer() {
        return channel.remoteAddress();
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
        return open && !ending;
    }

    // ------------------------------------------------------------------------- receiving

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf bytes = (ByteBuf) message;
        if (!isOpen()) {
            bytes.release();
            return;
        }
        unread = unread == null ? bytes : Unpooled.wrappedBuffer(unread, bytes);
        takeIn();
    }

    /// Moves received bytes into the inbox and lets the session decode, until all are taken, the
    /// session wants no more, or the pool is spent.
    private void takeIn() {
        while (isOpen() && unread != null && !readingPaused && !delivering) {
            int before = unread.readableBytes();
            for (ByteBuffer part : unread.nioBuffers()) {
                int taken = inbox.receiveCopyOf(part, receiveVector);
                unread.skipBytes(taken);
                if (part.hasRemaining()) {
                    break;
                }
            }
            int left = unread.readableBytes();
            if (left == 0) {
                unread.release();
                unread = null;
            }
            deliver();
            if (left == before && isOpen()) {
                // The pool is spent: the peer is held back for a moment.
                channel.config().setAutoRead(false);
                loop.after(STARVED_RETRY_NANOS, this::retry);
                return;
            }
        }
        updateReading();
    }

    private void retry() {
        if (open) {
            takeIn();
        }
    }

    private void deliver() {
        delivering = true;
        try {
            handler.received(this);
        } finally {
            delivering = false;
        }
        if (open) {
            inbox.settle();
        }
    }

    private void updateReading() {
        if (open) {
            channel.config().setAutoRead(!readingPaused && unread == null);
        }
    }

    @Override
    public void pauseReading() {
        readingPaused = true;
        updateReading();
    }

    @Override
    public void resumeReading() {
        if (!readingPaused) {
            return;
        }
        readingPaused = false;
        if (!delivering && open) {
            deliver();
            takeIn();
        }
    }

    // --------------------------------------------------------------------------- sending

    @Override
    public void flush() {
        flushPlanned = false;
        if (!open || handler == null) {
            flushAtEnd();
            return;
        }
        if (beingSent > 0 || outbox.pendingBytes() == 0) {
            return;
        }
        outbox.fill(sendVector, SEND_BYTES);
        long count = sendVector.totalBytes();
        beingSent = count;
        channel.writeAndFlush(Unpooled.wrappedBuffer(sendVector.toByteBuffers()))
                .addListener(done -> sent(count, done.isSuccess()));
    }

    private void sent(long count, boolean success) {
        beingSent = 0;
        if (!open || !success) {
            return;
        }
        outbox.sent(count);
        if (outbox.pendingBytes() > 0) {
            flush();
        } else if (closeWhenSent) {
            channel.close();
        } else {
            handler.drained(this);
        }
    }

    @Override
    public void flushAtEnd() {
        if (!flushPlanned && open) {
            flushPlanned = true;
            loop.atEnd(
                    () -> {
                        if (open) {
                            flush();
                        }
                    });
        }
    }

    // ------------------------------------------------------------------------ encrypting

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
        return true;
    }

    @Override
    public void startTls(TlsSettings settings, boolean asClient) throws IOException {
        if (unread != null || inbox.available() > 0) {
            throw new IOException("the peer sent bytes ahead of TLS, which nobody vouches for");
        }
        SslContext context = asClient ? TlsContexts.client(settings) : TlsContexts.server(settings);
        SslHandler tls =
                asClient
                        ? context.newHandler(channel.alloc(), settings.hostName(), -1)
                        : context.newHandler(channel.alloc());
        flush();
        if (outbox.pendingBytes() > beingSent) {
            throw new IOException("the peer does not take what was sent ahead of TLS");
        }
        channel.pipeline().addFirst("tls", tls);
        tls.handshakeFuture()
                .addListener(
                        done -> {
                            if (!done.isSuccess()) {
                                close("the TLS handshake failed: " + reason(done.cause()));
                            }
                        });
    }

    private static String reason(Throwable cause) {
        Throwable root = cause;
        while (root.getCause() != null && root.getCause() != root) {
            root = root.getCause();
        }
        return root.getMessage() == null ? root.toString() : root.getMessage();
    }

    // ---------------------------------------------------------------------------- ending

    @Override
    public void close(String reason) {
        if (!isOpen()) {
            return;
        }
        ending = true;
        closeReason = reason;
        flush();
        if (beingSent > 0) {
            closeWhenSent = true;
            loop.after(1_000_000_000L, channel::close);
        } else {
            channel.close();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        if (!open) {
            return;
        }
        open = false;
        if (unread != null) {
            unread.release();
            unread = null;
        }
        inbox.close();
        outbox.close();
        handler.closed(this, closeReason);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        boolean ofTls = cause instanceof SSLException || cause.getCause() instanceof SSLException;
        if (!ofTls && !(cause instanceof IOException)) {
            LOG.error("a stream's handler failed; the stream is closed", cause);
        }
        close(ofTls ? "TLS: " + reason(cause) : reason(cause));
        channel.close();
    }
}

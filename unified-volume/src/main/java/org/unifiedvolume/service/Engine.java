package org.unifiedvolume.service;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.buffer.Admission;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.device.Timers;
import org.unifiedvolume.loop.LoopGroup;
import org.unifiedvolume.request.RequestIds;
import org.unifiedvolume.spi.TargetContext;
import org.unifiedvolume.transport.NettyTransport;
import org.unifiedvolume.transport.SocketTransport;
import org.unifiedvolume.transport.Transports;

/// What all volumes of a process share: memory, loops and transports.
public final class Engine implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Engine.class);

    /// The share of the pool that payloads of clients may take; the rest is for receive buffers and
    /// second attempts.
    private static final double ADMITTED_SHARE = 0.75;

    /// How often memory that payloads took is looked at, to be given back when it lies idle.
    private static final long TRIM_NANOS = 10_000_000_000L;

    private final BufferPool pool;
    private final LoopGroup loops;
    private final TargetContext context;
    private NettyTransport secure;
    private volatile boolean closed;

    /// @param buffersBytes how much memory payloads in motion may take
    /// @param cacheBytes how much memory the caches of all volumes may take on top of that
    public Engine(long buffersBytes, long cacheBytes) {
        this.pool = new BufferPool(buffersBytes + cacheBytes);
        this.loops = LoopGroup.ofAllCpus();
        this.context =
                new TargetContext(
                        new IoContext(pool, loops.get(0), new RequestIds()),
                        loops,
                        new Transports(new SocketTransport(loops, pool), this::makeSecure),
                        new Admission((long) (buffersBytes * ADMITTED_SHARE)));
        trimLater();
    }

    private synchronized NettyTransport makeSecure() {
        secure = new NettyTransport(loops.size(), pool);
        return secure;
    }

    public TargetContext context() {
        return context;
    }

    public Timers timers() {
        return context.io().timers();
    }

    public BufferPool pool() {
        return pool;
    }

    /// Gives memory back that nothing has used since the last look: when clients are admitted the
    /// pool is warm and stays so.
    private void trimLater() {
        timers().after(
                        TRIM_NANOS,
                        () -> {
                            if (closed) {
                                return;
                            }
                            if (context.admission().admittedBytes() == 0) {
                                Thread.ofVirtual().name("uvol-trim").start(this::trim);
                            }
                            trimLater();
                        });
    }

    private synchronized void trim() {
        if (!closed) {
            pool.trim();
        }
    }

    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            if (secure != null) {
                secure.close();
            }
        }
        loops.close();
        long held = pool.outstandingBytes();
        if (held == 0) {
            pool.close();
        } else {
            // Whoever holds it may still write to it: better kept than given to somebody else.
            LOG.warn("{} bytes of payload memory are still in use; leaving them alone", held);
        }
    }
}

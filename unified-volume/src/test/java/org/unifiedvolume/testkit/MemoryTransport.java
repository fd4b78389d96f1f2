package org.unifiedvolume.testkit;

import java.net.SocketAddress;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.loop.Loop;
import org.unifiedvolume.transport.ByteStream;
import org.unifiedvolume.transport.StreamHandler;
import org.unifiedvolume.transport.Transport;

/// A transport without a network: a test plays every peer.
///
/// Dials wait until the test answers them with [#nextDial]; connections to a listener are made with
/// [#connect].
public final class MemoryTransport implements Transport {
    private final Loop loop;
    private final BufferPool pool;
    private final LinkedBlockingQueue<Dialled> dials = new LinkedBlockingQueue<>();
    private Function<ByteStream, StreamHandler> accepted;

    public MemoryTransport(Loop loop, BufferPool pool) {
        this.loop = loop;
        this.pool = pool;
    }

    @Override
    public Listener listen(SocketAddress address, Function<ByteStream, StreamHandler> sessions) {
        accepted = sessions;
        return new Listener() {
            @Override
            public SocketAddress address() {
                return address;
            }

            @Override
            public void close() {
                accepted = _ -> null;
            }
        };
    }

    /// A client connects to the listener.
    ///
    /// @return the client's view of the stream; null if it was turned away
    public MemoryStream connect() {
        return adopt(accepted);
    }

    private MemoryStream adopt(Function<ByteStream, StreamHandler> sessions) {
        MemoryStream stream = new MemoryStream(loop, pool);
        StreamHandler session = sessions.apply(stream);
        if (session == null) {
            return null;
        }
        stream.start(session);
        return stream;
    }

    @Override
    public void dial(SocketAddress address, Loop home, long timeoutNanos, Dialled dialled) {
        dials.add(dialled);
    }

    /// The next dial that waits for its answer; null if none comes for a while.
    public Dialled nextDial(long patienceNanos) {
        try {
            return dials.poll(patienceNanos, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return null;
        }
    }

    /// Answers a dial: the stream is up, and the test is its server.
    public MemoryStream answer(Dialled dialled) {
        return adopt(dialled::connected);
    }

    @Override
    public void loops(Consumer<Loop> each) {
        each.accept(loop);
    }
}

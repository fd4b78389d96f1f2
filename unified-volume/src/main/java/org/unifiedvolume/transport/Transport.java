package org.unifiedvolume.transport;

import java.io.IOException;
import java.net.SocketAddress;
import java.util.function.Consumer;
import java.util.function.Function;
import org.unifiedvolume.loop.Loop;

/// Makes streams: listens for them and dials them.
public interface Transport {
    /// A listening address.
    interface Listener extends AutoCloseable {
        /// Where it listens; the port is the real one also if 0 was asked for.
        SocketAddress address();

        /// Stops accepting. Streams that were accepted live on.
        @Override
        void close();
    }

    /// What a dial brings, told on the loop: exactly one of the two.
    interface Dialled {
        /// The stream is up. The answer is the session that owns it.
        StreamHandler connected(ByteStream stream);

        void failed(IOException cause);
    }

    /// Listens for streams.
    ///
    /// @param accepted makes the session for each accepted stream, on the stream's loop; null turns
    ///     the stream away
    /// @throws IOException naming the address, if it cannot be listened on
    Listener listen(SocketAddress address, Function<ByteStream, StreamHandler> accepted)
            throws IOException;

    /// Dials an address, within a bounded time.
    ///
    /// @param loop where the stream shall live, one of [#loops]
    void dial(SocketAddress address, Loop loop, long timeoutNanos, Dialled dialled);

    /// Calls `each` with every loop that streams of this transport can live on.
    void loops(Consumer<Loop> each);
}

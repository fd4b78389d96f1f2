package org.unifiedvolume.cache;

import java.util.concurrent.ConcurrentHashMap;

/// Recognises clients that read in sequence, and says what to fetch ahead of them.
///
/// Each client may follow a few streams at once. The third read in a row starts it; then the window
/// doubles each time that the reader has used up half of it, up to the longest.
final class Readahead {
    /// What to fetch, in reads of what length: long ones for long windows, but short enough that
    /// the first is there when the reader comes.
    record Range(long startBytes, long endBytes, long pieceBytes) {}

    private static final int STREAMS = 4;
    private static final int ROW = 2;
    private static final long FIRST_WINDOW_BYTES = 128 * 1024;

    /// Requests of one stream that are under way together may arrive in another order.
    private static final long SLACK_BYTES = 512 * 1024;

    private static final long MAX_PIECE_BYTES = 256 * 1024;

    private static final int MAX_CLIENTS = 1024;

    private static final class Stream {
        private long nextBytes = -1;
        private long fetchedToBytes;
        private long windowBytes;
        private int row;
        private long lastUse;
    }

    private static final class Client {
        private final Stream[] streams = new Stream[STREAMS];
        private long uses;

        Client() {
            for (int i = 0; i < STREAMS; i++) {
                streams[i] = new Stream();
            }
        }
    }

    private final ConcurrentHashMap<Integer, Client> clients = new ConcurrentHashMap<>();
    private final long maxWindowBytes;
    private final long sizeBytes;

    /// @param maxWindowBytes the longest window; 0 for no readahead
    /// @param sizeBytes where the device ends
    Readahead(long maxWindowBytes, long sizeBytes) {
        this.maxWindowBytes = maxWindowBytes;
        this.sizeBytes = sizeBytes;
    }

    /// Notes a read.
    ///
    /// @return what to fetch now, or null
    Range observe(int client, long offsetBytes, long lengthBytes) {
        if (maxWindowBytes == 0) {
            return null;
        }
        Client reader = clients.get(client);
        if (reader == null) {
            if (clients.size() >= MAX_CLIENTS) {
                // Clients come and go without saying so; whoever is still here is learnt again.
                clients.clear();
            }
            reader = clients.computeIfAbsent(client, _ -> new Client());
        }
        synchronized (reader) {
            return observe(reader, offsetBytes, offsetBytes + lengthBytes);
        }
    }

    private Range observe(Client reader, long from, long to) {
        Stream oldest = reader.streams[0];
        for (Stream stream : reader.streams) {
            if (continues(stream, from)) {
                stream.lastUse = ++reader.uses;
                return advance(stream, to);
            }
            if (stream.lastUse < oldest.lastUse) {
                oldest = stream;
            }
        }
        oldest.lastUse = ++reader.uses;
        oldest.nextBytes = to;
        oldest.row = 0;
        oldest.windowBytes = Math.min(FIRST_WINDOW_BYTES, maxWindowBytes);
        oldest.fetchedToBytes = 0;
        return null;
    }

    private static boolean continues(Stream stream, long from) {
        return stream.row < ROW
                ? from == stream.nextBytes
                : Math.abs(from - stream.nextBytes) <= SLACK_BYTES;
    }

    private Range advance(Stream stream, long to) {
        stream.nextBytes = Math.max(stream.nextBytes, to);
        if (++stream.row < ROW) {
            return null;
        }
        stream.row = ROW;
        long start = Math.max(stream.fetchedToBytes, stream.nextBytes);
        if (start - stream.nextBytes > stream.windowBytes / 2) {
            return null;
        }
        long piece = Long.highestOneBit(Math.clamp(stream.windowBytes / 4, 4096, MAX_PIECE_BYTES));
        // Windows end where pieces do, so that no read is cut short by the end of one.
        long end = (stream.nextBytes + stream.windowBytes + piece - 1) / piece * piece;
        end = Math.min(sizeBytes, end);
        stream.windowBytes = Math.min(stream.windowBytes * 2, maxWindowBytes);
        if (start >= end) {
            return null;
        }
        stream.fetchedToBytes = end;
        return new Range(start, end, piece);
    }
}

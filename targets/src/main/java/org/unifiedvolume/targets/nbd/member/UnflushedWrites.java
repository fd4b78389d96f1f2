package org.unifiedvolume.targets.nbd.member;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.unifiedvolume.buffer.Block;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Write;
import org.unifiedvolume.request.IoRequest.Zero;

/// The changes that the server has acknowledged but may still lose: those after the last flush.
///
/// A server that is restarted, or whose host is, forgets what was in its caches; a flush on the new
/// connection would then succeed without those bytes, and data that was acknowledged and flushed
/// would be gone. So the device keeps such changes, by reference, and repeats them in their order
/// on the first connection after all were lost. It keeps the log short by flushing on its own.
///
/// Safe for concurrent use.
final class UnflushedWrites {
    /// What an entry without payload counts.
    private static final long ENTRY_BYTES = 256;

    private record Entry(IoRequest change, long cost) {}

    private final ReentrantLock lock = new ReentrantLock();
    private final ArrayDeque<Entry> entries = new ArrayDeque<>();
    private final long limitBytes;
    private long firstNumber = 1;
    private long heldBytes;
    private Block lastBlock;
    private boolean closed;

    /// @param limitBytes how much memory the log may hold; 0 switches it off
    UnflushedWrites(long limitBytes) {
        this.limitBytes = limitBytes;
    }

    /// Remembers an acknowledged change; keeps its payload alive.
    ///
    /// A durable change needs no repeating, unless an older one is in the log: repeating that one
    /// alone would bring old bytes back over the durable ones.
    ///
    /// @return whether it is the only one: somebody should see to it that it is flushed in time
    boolean add(IoRequest change) {
        if (limitBytes == 0) {
            return false;
        }
        if (change instanceof Write write) {
            write.source().retain();
        }
        lock.lock();
        try {
            if (closed || (entries.isEmpty() && durability(change) == Durability.DURABLE)) {
                release(new Entry(change, 0));
                return false;
            }
            long cost = cost(change);
            entries.add(new Entry(change, cost));
            heldBytes += cost;
            return entries.size() == 1;
        } finally {
            lock.unlock();
        }
    }

    /// What a change holds in memory: the blocks that its payload lies in, as a whole; writes that
    /// arrived together share one.
    private long cost(IoRequest change) {
        long cost = ENTRY_BYTES;
        if (change instanceof Write(_, _, Buffers source, _, _)) {
            for (int i = 0; i < source.sliceCount(); i++) {
                Block block = source.slice(i).block();
                if (block != lastBlock) {
                    cost += block.capacity();
                    lastBlock = block;
                }
            }
        }
        return cost;
    }

    /// The number of the latest change: what a flush that is sent now will cover.
    long mark() {
        lock.lock();
        try {
            return firstNumber + entries.size() - 1;
        } finally {
            lock.unlock();
        }
    }

    /// A flush has succeeded: forgets the changes up to the one it covers.
    void flushed(long mark) {
        List<Entry> durable = new ArrayList<>();
        lock.lock();
        try {
            while (!entries.isEmpty() && firstNumber <= mark) {
                Entry entry = entries.remove();
                heldBytes -= entry.cost;
                firstNumber++;
                durable.add(entry);
            }
            if (entries.isEmpty()) {
                lastBlock = null;
            }
        } finally {
            lock.unlock();
        }
        durable.forEach(UnflushedWrites::release);
    }

    private static void release(Entry entry) {
        if (entry.change instanceof Write write) {
            write.source().release();
        }
    }

    boolean isEmpty() {
        lock.lock();
        try {
            return entries.isEmpty();
        } finally {
            lock.unlock();
        }
    }

    /// Whether it is time to flush.
    boolean wantsFlush() {
        lock.lock();
        try {
            return heldBytes > limitBytes / 2;
        } finally {
            lock.unlock();
        }
    }

    /// Whether further writes must wait for a flush.
    boolean isFull() {
        lock.lock();
        try {
            return heldBytes > limitBytes;
        } finally {
            lock.unlock();
        }
    }

    /// The changes to repeat, in the order in which they were acknowledged. They stay in the log.
    List<IoRequest> all() {
        lock.lock();
        try {
            return entries.stream().map(Entry::change).toList();
        } finally {
            lock.unlock();
        }
    }

    /// Whether two changes touch a common byte, so that their order matters.
    static boolean overlap(IoRequest one, IoRequest other) {
        return one.offsetBytes() < other.offsetBytes() + other.lengthBytes()
                && other.offsetBytes() < one.offsetBytes() + one.lengthBytes();
    }

    /// How durable a change shall be; null for requests that change no bytes.
    static Durability durability(IoRequest request) {
        return switch (request) {
            case Write write -> write.durability();
            case Zero zero -> zero.durability();
            case IoRequest.Discard discard -> discard.durability();
            case IoRequest.Read _, IoRequest.Flush _, IoRequest.Prefetch _, IoRequest.Locate _ ->
                    null;
        };
    }

    /// Whether a request is one to remember: afterwards its range has bytes that count.
    static boolean concerns(IoRequest request) {
        return request instanceof Write || request instanceof Zero;
    }

    /// Forgets everything, and whatever else is added; the device is being closed.
    void close() {
        lock.lock();
        try {
            closed = true;
        } finally {
            lock.unlock();
        }
        flushed(Long.MAX_VALUE);
    }
}

package org.unifiedvolume.transport;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.unifiedvolume.Invariant;
import org.unifiedvolume.buffer.Block;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.buffer.FileRange;
import org.unifiedvolume.buffer.Slice;
import org.unifiedvolume.linux.IoVector;

/// What a stream has to send: headers written here, and payloads by reference, in order.
///
/// Entries stand in a ring; each names memory and the block that is released when it has been sent.
/// Headers that follow one another are one entry.
///
/// Owned by the stream's loop.
public final class Outbox {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private static final int HEADER_BLOCK_BYTES = 4096;

    private final BufferPool pool;
    private long[] addresses = new long[64];
    private int[] lengths = new int[64];
    private Block[] owners = new Block[64];

    /// The ranges of files among the entries; null until the first one comes.
    private FileRange[] ranges;

    private int head;
    private int count;
    private int headSent;
    private long pendingBytes;
    private long sentBytes;

    private Block headers;
    private int headersAt;
    private int headerLeft;

    public Outbox(BufferPool pool) {
        this.pool = pool;
    }

    /// Bytes that have not been sent yet.
    public long pendingBytes() {
        return pendingBytes;
    }

    /// Bytes that have been sent so far.
    public long sentBytes() {
        return sentBytes;
    }

    /// Starts a header of exactly `bytes` bytes (at most 4096), which the `put` calls then fill.
    public Outbox header(int bytes) {
        Invariant.check(headerLeft == 0, "the last header lacks %d bytes", headerLeft);
        if (headers == null || headersAt + bytes > headers.capacity()) {
            turnHeaderBlock();
        }
        headerLeft = bytes;
        int last = (head + count - 1) & (owners.length - 1);
        // A header right behind another header in the same block lengthens its entry. The block of
        // the headers is owned by their last entry only, see turnHeaderBlock.
        if (count > 0
                && owners[last] == null
                && (ranges == null || ranges[last] == null)
                && addresses[last] + lengths[last] == headers.address() + headersAt) {
            lengths[last] += bytes;
            pendingBytes += bytes;
        } else {
            add(headers.address() + headersAt, bytes, null);
        }
        return this;
    }

    private void turnHeaderBlock() {
        if (headers != null) {
            releaseHeadersWhenSent();
        }
        headers = pool.allocateBlock(HEADER_BLOCK_BYTES);
        headersAt = 0;
        if (headers == null) {
            // An answer that is ready must leave even when the pool is spent.
            headers =
                    Buffers.outsidePool(Arena.ofAuto().allocate(HEADER_BLOCK_BYTES, 8))
                            .slice(0)
                            .block();
        }
    }

    /// An entry of no bytes behind the last header carries the block's release.
    private void releaseHeadersWhenSent() {
        if (count == 0) {
            headers.release();
        } else {
            add(headers.address() + headersAt, 0, headers);
        }
        headers = null;
    }

    public Outbox putByte(int value) {
        headers.memory().set(JAVA_BYTE, take(1), (byte) value);
        return this;
    }

    /// Big-endian, as the next bytes of the header.
    public Outbox putShort(int value) {
        headers.memory().set(SHORT, take(2), (short) value);
        return this;
    }

    public Outbox putInt(int value) {
        headers.memory().set(INT, take(4), value);
        return this;
    }

    public Outbox putLong(long value) {
        headers.memory().set(LONG, take(8), value);
        return this;
    }

    public Outbox putBytes(byte[] bytes) {
        MemorySegment.copy(bytes, 0, headers.memory(), JAVA_BYTE, take(bytes.length), bytes.length);
        return this;
    }

    private int take(int bytes) {
        headerLeft -= bytes;
        Invariant.check(headerLeft >= 0, "a header was overfilled (%d)", headerLeft);
        int at = headersAt;
        headersAt += bytes;
        return at;
    }

    /// Appends a text or structure of any length as headers.
    public void putAll(byte[] bytes) {
        for (int at = 0; at < bytes.length; at += HEADER_BLOCK_BYTES) {
            byte[] piece =
                    Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + HEADER_BLOCK_BYTES));
            header(piece.length).putBytes(piece);
        }
    }

    /// Appends a payload and takes over one reference to it.
    public void payload(Buffers payload) {
        for (int i = 0; i < payload.sliceCount(); i++) {
            Slice slice = payload.slice(i);
            add(slice.address(), (int) slice.length(), slice.block());
        }
    }

    /// Appends a range of a file and takes over its reference. Only for a stream that can send
    /// files.
    public void file(FileRange range) {
        if (range.lengthBytes() == 0) {
            range.release();
            return;
        }
        if (ranges == null) {
            ranges = new FileRange[owners.length];
        }
        add(0, range.lengthBytes(), null);
        ranges[(head + count - 1) & (owners.length - 1)] = range;
    }

    private void add(long address, int length, Block owner) {
        if (count == owners.length) {
            grow();
        }
        int at = (head + count) & (owners.length - 1);
        addresses[at] = address;
        lengths[at] = length;
        owners[at] = owner;
        count++;
        pendingBytes += length;
    }

    private void grow() {
        int size = owners.length;
        long[] newAddresses = new long[size * 2];
        int[] newLengths = new int[size * 2];
        Block[] newOwners = new Block[size * 2];
        for (int i = 0; i < count; i++) {
            int from = (head + i) & (size - 1);
            newAddresses[i] = addresses[from];
            newLengths[i] = lengths[from];
            newOwners[i] = owners[from];
        }
        if (ranges != null) {
            FileRange[] newRanges = new FileRange[size * 2];
            for (int i = 0; i < count; i++) {
                newRanges[i] = ranges[(head + i) & (size - 1)];
            }
            ranges = newRanges;
        }
        addresses = newAddresses;
        lengths = newLengths;
        owners = newOwners;
        head = 0;
    }

    /// Fills a vector with what is to be sent next, at most about `limitBytes` and up to the next
    /// range of a file.
    ///
    /// @return the range that comes right behind the vector's content; null if none does
    public FileRange fill(IoVector vector, long limitBytes) {
        vector.clear();
        int skip = headSent;
        for (int i = 0; i < count && !vector.isFull(); i++) {
            int at = (head + i) & (owners.length - 1);
            if (ranges != null && ranges[at] != null) {
                return ranges[at];
            }
            if (lengths[at] > skip) {
                vector.add(addresses[at] + skip, lengths[at] - skip);
            }
            skip = 0;
            if (vector.totalBytes() >= limitBytes) {
                return null;
            }
        }
        return null;
    }

    /// How much of the first entry has been sent already.
    long headSent() {
        return headSent;
    }

    /// Says that `bytes` have been sent; lets go of the memory behind them.
    public void sent(long bytes) {
        sentBytes += bytes;
        pendingBytes -= bytes;
        long left = bytes + headSent;
        while (count > 0 && left >= lengths[head]) {
            left -= lengths[head];
            dropHead();
        }
        headSent = (int) left;
        if (count == 0 && headers != null) {
            headers.release();
            headers = null;
        }
    }

    private void dropHead() {
        if (ranges != null && ranges[head] != null) {
            ranges[head].release();
            ranges[head] = null;
        }
        if (owners[head] != null) {
            owners[head].release();
            owners[head] = null;
        }
        head = (head + 1) & (owners.length - 1);
        count--;
    }

    /// Lets go of everything that was not sent; the stream has ended.
    public void close() {
        while (count > 0) {
            dropHead();
        }
        if (headers != null) {
            headers.release();
            headers = null;
        }
        headSent = 0;
        headerLeft = 0;
        pendingBytes = 0;
    }
}

package org.unifiedvolume.transport;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.Invariant;
import org.unifiedvolume.buffer.Block;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.buffer.PipedBuffers;
import org.unifiedvolume.buffer.Pipes;
import org.unifiedvolume.buffer.Slice;
import org.unifiedvolume.linux.IoVector;

/// What a stream has received: headers to be decoded, and payloads that stay where they landed.
///
/// Bytes land in a block of pool memory, many messages at once. A session looks at headers in
/// place; a payload is taken out as slices of the same block ([#gather], [#gathered]). Of a long
/// payload that has not wholly arrived, the rest is received straight into memory of its own.
///
/// ```
///            skipped      unread                 room
///  chunk ┌──────────────┬─────────────────────┬──────────────┐
///        └──────────────┴─────────────────────┴──────────────┘
///        0              readAt                writeAt        capacity
/// ```
///
/// With [#setHeaderBytes] no more than one header is received into the chunk, so that every payload
/// lands in aligned memory of its own, as direct I/O wants.
///
/// Owned by the stream's loop.
public final class Inbox {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private static final int MIN_CHUNK_BYTES = 4096;
    private static final int FIRST_CHUNK_BYTES = 16384;

    /// Rests of payloads from this length on get memory of their own.
    private static final int DIRECT_BYTES = 32768;

    /// So many sparing fills in a row make the chunk smaller.
    private static final int FILLS_BEFORE_SHRINKING = 64;

    private final BufferPool pool;
    private Block chunk;
    private int readAt;
    private int writeAt;
    private int chunkBytes = FIRST_CHUNK_BYTES;
    private int sparingFills;
    private int headerBytes;

    /// Whether the chunk is too small for what the session waits for.
    private boolean wantsMove;

    private boolean gathering;
    private final List<Slice> parts = new ArrayList<>();
    private long missingInChunk;
    private Buffers direct;
    private long directAt;

    private final Pipes pipes = new Pipes();
    private PipedBuffers piped;

    private long receivedBytes;

    public Inbox(BufferPool pool) {
        this.pool = pool;
    }

    /// Limits what is received ahead to one header of this length; 0 lifts the limit.
    public void setHeaderBytes(int bytes) {
        headerBytes = bytes;
    }

    // ------------------------------------------------------------------ for the session

    /// How many unread bytes lie together.
    public int available() {
        return writeAt - readAt;
    }

    /// Whether `bytes` unread bytes lie together; if not, sees to it that they will.
    ///
    /// @param bytes at most [BufferPool#CHUNK_BYTES]
    public boolean has(int bytes) {
        if (available() >= bytes) {
            return true;
        }
        if (chunk != null && bytes > chunk.capacity() - readAt) {
            chunkBytes = Math.max(chunkBytes, bytes);
            wantsMove = true;
        } else if (bytes > chunkBytes) {
            chunkBytes = bytes;
        }
        return false;
    }

    public byte byteAt(int offset) {
        return chunk.memory().get(ValueLayout.JAVA_BYTE, readAt + checked(offset, 1));
    }

    /// A big-endian number at `offset` behind the first unread byte.
    public short shortAt(int offset) {
        return chunk.memory().get(SHORT, readAt + checked(offset, 2));
    }

    public int intAt(int offset) {
        return chunk.memory().get(INT, readAt + checked(offset, 4));
    }

    public long longAt(int offset) {
        return chunk.memory().get(LONG, readAt + checked(offset, 8));
    }

    /// Copies a small piece of a header (a name, a text) to the heap.
    public byte[] bytesAt(int offset, int length) {
        checked(offset, length);
        return chunk.memory().asSlice(readAt + offset, length).toArray(ValueLayout.JAVA_BYTE);
    }

    private int checked(int offset, int length) {
        Invariant.check(
                offset >= 0 && length <= available() - offset,
                "an inbox was read %d bytes beyond what it holds",
                offset + length - available());
        return offset;
    }

    /// Consumes header bytes.
    public void skip(int bytes) {
        checked(0, bytes);
        readAt += bytes;
    }

    /// Consumes as many unread bytes as there are, up to `limit`.
    public long skipUpTo(long limit) {
        int count = (int) Math.min(limit, available());
        readAt += count;
        return count;
    }

    /// Starts to take out the next `length` bytes as a payload.
    ///
    /// @return false if the pool is spent; nothing has happened then
    public boolean gather(long length) {
        Invariant.check(!gathering, "a payload was asked for while another is on its way");
        int there = (int) Math.min(length, available());
        long rest = length - there;
        boolean inChunk =
                rest == 0
                        || (headerBytes == 0
                                && rest < DIRECT_BYTES
                                && chunk != null
                                && rest <= chunk.capacity() - writeAt);
        Buffers own = null;
        if (!inChunk) {
            own = pool.allocate(rest);
            if (own == null) {
                return false;
            }
        }
        gathering = true;
        if (inChunk) {
            missingInChunk = length;
            return true;
        }
        if (there > 0) {
            takePart(there);
        }
        direct = own;
        directAt = 0;
        return true;
    }

    /// Starts to take out the next `length` bytes as a payload that stays in the kernel.
    ///
    /// @return false if that cannot be: some of it is here already, or there is no pipe or no
    ///     memory to be had; nothing has happened then
    public boolean gatherInPipe(long length) {
        Invariant.check(!gathering, "a payload was asked for while another is on its way");
        if (available() > 0) {
            return false;
        }
        piped = PipedBuffers.begin(pipes, pool, length);
        gathering = piped != null;
        return gathering;
    }

    private void takePart(int length) {
        chunk.retain();
        parts.add(chunk.slice(readAt, length));
        readAt += length;
    }

    /// The payload asked for, or null while bytes of it are missing. The caller takes over one
    /// reference.
    public Buffers gathered() {
        if (piped != null) {
            return piped.isFull() ? takePiped() : null;
        }
        if (direct == null) {
            if (available() < missingInChunk) {
                return null;
            }
            int length = (int) missingInChunk;
            Buffers payload = Buffers.empty();
            if (length > 0) {
                chunk.retain();
                payload = chunk.slice(readAt, length);
                readAt += length;
            }
            gathering = false;
            return payload;
        }
        if (directAt < direct.length()) {
            return null;
        }
        Buffers payload = direct;
        if (!parts.isEmpty()) {
            Buffers[] all = new Buffers[parts.size() + 1];
            parts.toArray(all);
            all[parts.size()] = direct;
            payload = Buffers.concat(all);
            parts.clear();
        }
        direct = null;
        gathering = false;
        return payload;
    }

    private Buffers takePiped() {
        Buffers payload = piped;
        piped = null;
        gathering = false;
        return payload;
    }

    /// Whether a payload is on its way.
    public boolean isGathering() {
        return gathering;
    }

    // ------------------------------------------------------------------- for the stream

    /// Offers room for the next bytes.
    ///
    /// @return false if the pool is spent
    public boolean offerRoom(IoVector vector) {
        vector.clear();
        if (direct != null && directAt < direct.length()) {
            direct.addTo(vector, directAt);
            if (vector.isFull() || vector.totalBytes() < direct.length() - directAt) {
                return true;
            }
        }
        if (!makeRoom()) {
            return vector.count() > 0;
        }
        int room = chunk.capacity() - writeAt;
        if (headerBytes > 0) {
            room = Math.min(room, Math.max(headerBytes - available(), 0));
        }
        if (room > 0) {
            vector.add(chunk.address() + writeAt, room);
        }
        return true;
    }

    /// The payload whose pipe takes the next bytes; null if they are to be read.
    PipedBuffers piped() {
        return piped == null || piped.isFull() ? null : piped;
    }

    /// Says that `count` bytes went into the pipe.
    void receivedInPipe(long count) {
        receivedBytes += count;
    }

    /// Receives the rest of the payload into memory, where what is in the pipe goes too.
    void leavePipe() {
        directAt = piped.filledBytes();
        direct = piped.toMemory();
        piped = null;
    }

    private boolean makeRoom() {
        if (chunk == null) {
            chunk = pool.allocateBlock(chunkBytes);
            readAt = 0;
            writeAt = 0;
            return chunk != null;
        }
        int unread = available();
        if (unread == 0 && chunk.isExclusive()) {
            readAt = 0;
            writeAt = 0;
            if (chunk.capacity() >= chunkBytes) {
                wantsMove = false;
                return true;
            }
            wantsMove = true;
        }
        boolean tight = chunk.capacity() - writeAt < Math.min(MIN_CHUNK_BYTES, chunkBytes / 4);
        // While a payload is gathered in this chunk it has room enough: gather() saw to that.
        if (wantsMove || (tight && !gathering) || writeAt == chunk.capacity()) {
            return move(unread);
        }
        return true;
    }

    /// Goes on in a new chunk; the start of a header that has not wholly arrived is taken along.
    private boolean move(int unread) {
        Block fresh = pool.allocateBlock(Math.max(chunkBytes, unread));
        if (fresh == null) {
            return false;
        }
        MemorySegment.copy(chunk.memory(), readAt, fresh.memory(), 0, unread);
        chunk.release();
        chunk = fresh;
        readAt = 0;
        writeAt = unread;
        wantsMove = false;
        return true;
    }

    /// Bytes that have been received so far.
    public long receivedBytes() {
        return receivedBytes;
    }

    /// Says that `count` bytes were received into the room offered last.
    public void received(long count) {
        receivedBytes += count;
        long left = count;
        if (direct != null && directAt < direct.length()) {
            long taken = Math.min(left, direct.length() - directAt);
            directAt += taken;
            left -= taken;
        }
        if (left > 0) {
            writeAt += (int) left;
            adaptChunk((int) left);
        }
    }

    private void adaptChunk(int received) {
        if (writeAt == chunk.capacity() && headerBytes == 0) {
            chunkBytes = Math.min(chunkBytes * 4, BufferPool.CHUNK_BYTES);
            sparingFills = 0;
        } else if (received * 8 > chunkBytes) {
            sparingFills = 0;
        } else if (++sparingFills >= FILLS_BEFORE_SHRINKING) {
            chunkBytes = Math.max(chunkBytes / 4, MIN_CHUNK_BYTES);
            sparingFills = 0;
        }
    }

    /// Takes in bytes that came another way than by a scatter read, through a copy.
    ///
    /// @return how many were taken in; fewer than offered if the pool is spent
    public int receiveCopyOf(ByteBuffer source, IoVector vector) {
        int before = source.remaining();
        while (source.hasRemaining() && offerRoom(vector) && vector.totalBytes() > 0) {
            int taken = vector.copyFrom(source);
            received(taken);
        }
        return before - source.remaining();
    }

    /// Lets go of memory that holds nothing unread; called when the handler returns.
    public void settle() {
        if (chunk != null && available() == 0 && !(gathering && direct == null && piped == null)) {
            chunk.release();
            chunk = null;
            readAt = 0;
            writeAt = 0;
        }
    }

    /// Whether memory is held for a message that has not wholly arrived.
    public boolean holdsMemory() {
        return chunk != null || direct != null || piped != null;
    }

    /// Lets go of everything; the stream has ended.
    public void close() {
        if (chunk != null) {
            chunk.release();
            chunk = null;
        }
        if (direct != null) {
            direct.release();
            direct = null;
        }
        if (piped != null) {
            piped.release();
            piped = null;
        }
        pipes.close();
        parts.forEach(Slice::release);
        parts.clear();
        readAt = 0;
        writeAt = 0;
        gathering = false;
        missingInChunk = 0;
    }
}

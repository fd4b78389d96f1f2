package org.unifiedvolume.fuse;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.unifiedvolume.Invariant;
import org.unifiedvolume.buffer.Block;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.buffer.Slice;
import org.unifiedvolume.linux.IoVector;
import org.unifiedvolume.loop.EventLoop;

/// Where the next request of a loop's mounts lands: the header apart, the payload of a WRITE
/// page-aligned in blocks of the pool that are handed down as they are.
///
/// ```
/// 80 bytes │ 4 KiB │ 16 KiB │ 64 KiB │ 64 KiB │ …   one scatter read takes one request
///  header  └──────────── payload ────────────┘
/// ```
///
/// The kernel demands room for the longest request at every read. Small blocks come first, so that
/// a small write holds a small block. What a request has used is replaced before the next read.
///
/// One for each loop and pool, shared by all mounts; used on the loop's thread only.
final class Landing {
    private record Key(EventLoop loop, BufferPool pool) {}

    private static final Map<Key, Landing> LANDINGS = new ConcurrentHashMap<>();

    private static final int SMALL_BYTES = 4 << 10;
    private static final int MIDDLE_BYTES = 16 << 10;
    private static final int LARGE_BYTES = 64 << 10;
    private static final int BLOCKS = 2 + FuseSession.MOST_TRANSFER_BYTES / LARGE_BYTES;

    /// Arguments longer than a WRITE's land behind it, in the first block; so many of their bytes
    /// are looked at.
    private static final int MORE_ARGUMENT_BYTES = 256;

    private final Key key;
    private final MemorySegment header =
            Arena.ofAuto().allocate(Fuse.WRITE_HEADER_BYTES + MORE_ARGUMENT_BYTES, 8);
    private final Block[] blocks = new Block[BLOCKS];
    private final IoVector vector = new IoVector(1 + BLOCKS);
    private int filled;
    private int users;

    private Landing(Key key) {
        this.key = key;
    }

    /// The landing of the calling loop, for one more user.
    static Landing enter(EventLoop loop, BufferPool pool) {
        Landing landing = LANDINGS.computeIfAbsent(new Key(loop, pool), Landing::new);
        landing.users++;
        return landing;
    }

    /// One user fewer; the last one gives the memory back.
    void leave() {
        users--;
        if (users > 0) {
            return;
        }
        LANDINGS.remove(key);
        for (int i = 0; i < BLOCKS; i++) {
            if (blocks[i] != null) {
                blocks[i].release();
                blocks[i] = null;
            }
        }
        filled = 0;
    }

    /// The place of the header and the arguments.
    MemorySegment header() {
        return header;
    }

    /// Makes room for one request.
    ///
    /// @return where to read it to, or null if the pool is spent
    IoVector offerRoom() {
        if (filled == BLOCKS) {
            return vector;
        }
        for (int i = 0; i < BLOCKS; i++) {
            if (blocks[i] == null) {
                blocks[i] = key.pool.allocateBlock(blockBytes(i));
                if (blocks[i] == null) {
                    return null;
                }
                filled++;
            }
        }
        vector.clear();
        vector.add(header.address(), Fuse.WRITE_HEADER_BYTES);
        for (Block block : blocks) {
            vector.add(block.address(), block.capacity());
        }
        return vector;
    }

    private static int blockBytes(int index) {
        return switch (index) {
            case 0 -> SMALL_BYTES;
            case 1 -> MIDDLE_BYTES;
            default -> LARGE_BYTES;
        };
    }

    /// Brings arguments that reach beyond the header's place behind it.
    void joinArguments(long receivedBytes) {
        long more = Math.min(receivedBytes - Fuse.WRITE_HEADER_BYTES, MORE_ARGUMENT_BYTES);
        if (more > 0) {
            MemorySegment.copy(blocks[0].memory(), 0, header, Fuse.WRITE_HEADER_BYTES, more);
        }
    }

    /// Hands over the payload that has landed; the caller holds its only reference.
    Buffers take(int payloadBytes) {
        Slice[] slices = new Slice[BLOCKS];
        int count = 0;
        int left = payloadBytes;
        while (left > 0) {
            Block block = blocks[count];
            Invariant.check(block != null, "a payload of %d bytes did not land here", payloadBytes);
            int length = Math.min(left, block.capacity());
            slices[count] = block.slice(0, length);
            blocks[count] = null;
            left -= length;
            count++;
        }
        filled -= count;
        return switch (count) {
            case 0 -> Buffers.empty();
            case 1 -> slices[0];
            default -> Buffers.concat(Arrays.copyOf(slices, count));
        };
    }
}

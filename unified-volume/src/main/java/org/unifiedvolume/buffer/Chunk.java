package org.unifiedvolume.buffer;

import java.lang.foreign.MemorySegment;
import org.unifiedvolume.Invariant;

/// A fixed stretch of the pool that is cut into blocks of one size at a time.
///
/// Guarded by the pool's lock. A chunk whose blocks are all free may be cut anew for another size.
final class Chunk {
    final BufferPool pool;
    final MemorySegment memory;

    /// The size class that the chunk is cut for; -1 while it is whole.
    int sizeClass = -1;

    /// Neighbours in the list of chunks of one class that have free blocks.
    Chunk previous;

    Chunk next;

    /// Whether the chunk's pages were touched since they were last given back to the kernel.
    boolean touched;

    private Block[] blocks;
    private long freeMask;
    private long wholeMask;

    Chunk(BufferPool pool, MemorySegment memory) {
        this.pool = pool;
        this.memory = memory;
    }

    void cut(int forClass, int blockBytes) {
        int count = (int) (memory.byteSize() / blockBytes);
        Invariant.check(count >= 1 && count <= Long.SIZE, "a chunk of %d blocks", count);
        sizeClass = forClass;
        touched = true;
        blocks = new Block[count];
        for (int i = 0; i < count; i++) {
            blocks[i] = new Block(memory.asSlice((long) i * blockBytes, blockBytes), this, i);
        }
        wholeMask = count == Long.SIZE ? -1L : (1L << count) - 1;
        freeMask = wholeMask;
    }

    boolean hasFree() {
        return freeMask != 0;
    }

    boolean isWhole() {
        return freeMask == wholeMask;
    }

    Block take() {
        int index = Long.numberOfTrailingZeros(freeMask);
        freeMask &= ~(1L << index);
        return blocks[index];
    }

    void put(Block block) {
        long bit = 1L << block.index;
        Invariant.check((freeMask & bit) == 0, "block %d was freed twice", block.index);
        freeMask |= bit;
    }

    /// Makes the chunk whole again; all its blocks must be free.
    void join() {
        Invariant.check(isWhole(), "a chunk in use was joined");
        sizeClass = -1;
        blocks = null;
    }

    /// The blocks in use, for reports of leaks.
    Block[] blocks() {
        return blocks == null ? new Block[0] : blocks;
    }

    boolean isFree(Block block) {
        return (freeMask & 1L << block.index) != 0;
    }
}

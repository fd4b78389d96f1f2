package org.unifiedvolume.buffer;

/// The free blocks that one thread keeps at hand, a small stack for each size class.
///
/// Touched by its thread alone, but for the counts, which others read for statistics.
final class Magazine {
    /// How many blocks of each class are kept: at most 128 KiB, 128 KiB, 256 KiB, 512 KiB.
    private static final int[] DEPTHS = {32, 8, 4, 2};

    final BufferPool pool;
    private final Block[][] stacks = new Block[DEPTHS.length][];
    private final int[] counts = new int[DEPTHS.length];

    Magazine(BufferPool pool) {
        this.pool = pool;
        for (int i = 0; i < DEPTHS.length; i++) {
            stacks[i] = new Block[DEPTHS[i]];
        }
    }

    Block pop(int sizeClass) {
        int count = counts[sizeClass];
        if (count == 0) {
            return null;
        }
        counts[sizeClass] = count - 1;
        Block block = stacks[sizeClass][count - 1];
        stacks[sizeClass][count - 1] = null;
        return block;
    }

    /// Keeps a free block; false if the stack is full.
    boolean push(int sizeClass, Block block) {
        int count = counts[sizeClass];
        if (count == DEPTHS[sizeClass]) {
            return false;
        }
        stacks[sizeClass][count] = block;
        counts[sizeClass] = count + 1;
        return true;
    }

    int depth(int sizeClass) {
        return DEPTHS[sizeClass];
    }

    long freeBytes() {
        long sum = 0;
        for (int i = 0; i < counts.length; i++) {
            sum += (long) counts[i] * BufferPool.classBytes(i);
        }
        return sum;
    }
}

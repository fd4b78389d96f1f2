package org.unifiedvolume.buffer;

import org.unifiedvolume.Invariant;

/// A run of bytes within one block.
public final class Slice extends Buffers {
    private final Block block;
    private final int offset;
    private final int length;

    Slice(Block block, int offset, int length) {
        Invariant.check(
                offset >= 0 && length >= 0 && offset <= block.capacity() - length,
                "a slice of %d bytes leaves its block",
                length);
        this.block = block;
        this.offset = offset;
        this.length = length;
    }

    public Block block() {
        return block;
    }

    /// Where in its block the slice starts, in bytes.
    public int offset() {
        return offset;
    }

    /// Where in memory the slice starts, for system calls.
    public long address() {
        return block.address() + offset;
    }

    @Override
    public long length() {
        return length;
    }

    @Override
    public int sliceCount() {
        return 1;
    }

    @Override
    public Slice slice(int index) {
        return this;
    }

    @Override
    public Slice part(long from, long count) {
        return from == 0 && count == length
                ? this
                : new Slice(block, Math.toIntExact(offset + from), Math.toIntExact(count));
    }

    @Override
    public void retain() {
        block.retain();
    }

    @Override
    public void release() {
        block.release();
    }
}

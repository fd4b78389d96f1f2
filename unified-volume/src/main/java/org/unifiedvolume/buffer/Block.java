package org.unifiedvolume.buffer;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.unifiedvolume.Invariant;

/// One piece of pool memory with a reference count.
///
/// Whoever allocates a block holds its first reference; the last [#release] gives it back to the
/// pool, on whatever thread that happens.
public final class Block {
    private static final VarHandle REFERENCES;

    static {
        try {
            REFERENCES = MethodHandles.lookup().findVarHandle(Block.class, "references", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final MemorySegment memory;
    private final long address;
    private final int capacity;

    /// The chunk that the block was cut from; null for memory outside the pool.
    final Chunk chunk;

    /// Where in its chunk the block stands.
    final int index;

    /// Who allocated the block, if the pool traces; null otherwise.
    Throwable allocatedAt;

    @SuppressWarnings("unused") // through REFERENCES
    private volatile int references;

    Block(MemorySegment memory, Chunk chunk, int index) {
        this.memory = memory;
        this.address = memory.address();
        this.capacity = Math.toIntExact(memory.byteSize());
        this.chunk = chunk;
        this.index = index;
    }

    /// The block's memory. Only the holder of a reference may touch it.
    public MemorySegment memory() {
        return memory;
    }

    /// Where the memory starts, for system calls.
    public long address() {
        return address;
    }

    public int capacity() {
        return capacity;
    }

    /// Adds one reference. The caller must hold one already.
    public void retain() {
        int before = (int) REFERENCES.getAndAdd(this, 1);
        Invariant.check(before > 0, "a block was retained after its release (%d)", before);
    }

    /// Gives up one reference; the last one returns the memory to the pool.
    public void release() {
        int before = (int) REFERENCES.getAndAdd(this, -1);
        if (before == 1) {
            if (chunk != null) {
                chunk.pool.free(this);
            }
            return;
        }
        Invariant.check(before > 1, "a block was released too often (%d)", before);
    }

    /// Whether the caller holds the only reference, so that the memory may be used anew.
    public boolean isExclusive() {
        return (int) REFERENCES.getAcquire(this) == 1;
    }

    /// Starts a new life with one reference.
    void handOut() {
        int before = (int) REFERENCES.getAndAdd(this, 1);
        Invariant.check(before == 0, "a block in use was handed out again (%d)", before);
    }

    /// A slice of the whole block; shares the caller's reference.
    public Slice slice(int offset, int length) {
        return new Slice(this, offset, length);
    }
}

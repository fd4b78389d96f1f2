package org.unifiedvolume.buffer;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import org.unifiedvolume.Invariant;
import org.unifiedvolume.linux.FileCalls;

/// All payload memory of the process: 4 KiB-aligned, outside the heap, never beyond its ceiling.
///
/// The memory is reserved once and takes room only when it is first used; [#trim] gives unused
/// pages back. It is cut into chunks of 256 KiB and these into blocks of 4, 16, 64 or 256 KiB.
/// A data-path thread keeps some free blocks in a magazine of its own (after Bonwick's magazines),
/// everyone else takes the pool's lock.
///
/// Allocation never waits and never throws: it answers null when the ceiling is reached. Exports
/// ask [Admission] first, so a device below finds memory for every request that was let in.
public final class BufferPool implements AutoCloseable {
    /// The alignment of every block in memory.
    public static final int PAGE_BYTES = 4096;

    /// The largest block.
    public static final int CHUNK_BYTES = 256 * 1024;

    private static final int[] CLASS_BYTES = {4096, 16384, 65536, CHUNK_BYTES};

    private final ReentrantLock lock = new ReentrantLock();
    private final MemorySegment memory;
    private final Chunk[] chunks;
    private final Chunk[] partial = new Chunk[CLASS_BYTES.length];
    private final List<Magazine> magazines = new ArrayList<>();
    private final List<Reclaimer> reclaimers = new CopyOnWriteArrayList<>();
    private final boolean traced;
    private Chunk whole;
    private long handedOutBytes;
    private long spentCount;

    /// @param ceilingBytes the most memory that payloads may take, at least one chunk; rounded down
    ///     to whole chunks
    public BufferPool(long ceilingBytes) {
        this(ceilingBytes, false);
    }

    /// @param traced whether every allocation keeps its stack trace for [#leaks]; slow, for tests
    public BufferPool(long ceilingBytes, boolean traced) {
        int count = Math.toIntExact(ceilingBytes / CHUNK_BYTES);
        if (count < 1) {
            throw new IllegalArgumentException(
                    "a buffer pool needs at least %d bytes, not %d"
                            .formatted(CHUNK_BYTES, ceilingBytes));
        }
        this.traced = traced;
        this.memory = FileCalls.reserveMemory((long) count * CHUNK_BYTES);
        this.chunks = new Chunk[count];
        for (int i = count - 1; i >= 0; i--) {
            chunks[i] = new Chunk(this, memory.asSlice((long) i * CHUNK_BYTES, CHUNK_BYTES));
            chunks[i].next = whole;
            whole = chunks[i];
        }
    }

    /// Holds pool memory that it can do without: asked to give some back when the pool is spent.
    @FunctionalInterface
    public interface Reclaimer {
        /// Gives back about so many bytes, on whatever thread allocates; must not block.
        ///
        /// @return false if it holds nothing any more
        boolean reclaim(long bytes);
    }

    /// Asks `reclaimer` from now on when the pool is spent.
    public void addReclaimer(Reclaimer reclaimer) {
        reclaimers.add(reclaimer);
    }

    public void removeReclaimer(Reclaimer reclaimer) {
        reclaimers.remove(reclaimer);
    }

    static int classBytes(int sizeClass) {
        return CLASS_BYTES[sizeClass];
    }

    public long ceilingBytes() {
        return (long) chunks.length * CHUNK_BYTES;
    }

    /// One contiguous block of at least `lengthBytes` (at most [#CHUNK_BYTES]), or null if the pool
    /// is spent. The caller holds its only reference.
    public Block allocateBlock(int lengthBytes) {
        int sizeClass = classFor(lengthBytes);
        Block block = take(sizeClass);
        if (block == null) {
            block = takeReclaimed(sizeClass);
        }
        if (block != null) {
            block.handOut();
            if (traced) {
                block.allocatedAt = new Throwable("allocated here");
            }
        }
        return block;
    }

    /// A payload of exactly `lengthBytes`, in few slices, or null if the pool is spent. The caller
    /// holds its only reference. Its content is arbitrary.
    public Buffers allocate(long lengthBytes) {
        if (lengthBytes <= CHUNK_BYTES) {
            int length = (int) lengthBytes;
            int sizeClass = classFor(length);
            if (sizeClass == 0 || length > CLASS_BYTES[sizeClass] / 2) {
                Block block = allocateBlock(length);
                return block == null ? null : block.slice(0, length);
            }
        }
        return allocateList(lengthBytes);
    }

    private Buffers allocateList(long lengthBytes) {
        List<Slice> slices = new ArrayList<>();
        long left = lengthBytes;
        while (left > 0) {
            int sizeClass = CLASS_BYTES.length - 1;
            while (sizeClass > 0 && left <= CLASS_BYTES[sizeClass] / 2) {
                sizeClass--;
            }
            int length = (int) Math.min(left, CLASS_BYTES[sizeClass]);
            Block block = allocateBlock(length);
            if (block == null) {
                slices.forEach(Slice::release);
                return null;
            }
            slices.add(block.slice(0, length));
            left -= length;
        }
        return new SliceList(slices.toArray(Slice[]::new), lengthBytes);
    }

    /// The pool memory that a payload of this length takes, at the most.
    public static long costBytes(long lengthBytes) {
        long wholeChunks = lengthBytes / CHUNK_BYTES * CHUNK_BYTES;
        long rest = lengthBytes - wholeChunks;
        long cost = wholeChunks;
        while (rest > 0) {
            int sizeClass = CLASS_BYTES.length - 1;
            while (sizeClass > 0 && rest <= CLASS_BYTES[sizeClass] / 2) {
                sizeClass--;
            }
            cost += CLASS_BYTES[sizeClass];
            rest -= CLASS_BYTES[sizeClass];
        }
        return cost;
    }

    private static int classFor(int lengthBytes) {
        for (int i = 0; i < CLASS_BYTES.length; i++) {
            if (lengthBytes <= CLASS_BYTES[i]) {
                return i;
            }
        }
        throw new IllegalArgumentException(
                "a block has at most %d bytes, not %d".formatted(CHUNK_BYTES, lengthBytes));
    }

    /// Asks those who can do without some of their memory, for ever more of it: what they give back
    /// first may lie in chunks that are otherwise in use.
    private Block takeReclaimed(int sizeClass) {
        Block block = null;
        boolean more = !reclaimers.isEmpty();
        for (long bytes = CHUNK_BYTES; more && block == null; bytes *= 4) {
            boolean any = false;
            for (Reclaimer reclaimer : reclaimers) {
                any |= reclaimer.reclaim(bytes);
            }
            more = any && bytes < ceilingBytes();
            block = take(sizeClass);
        }
        if (block == null) {
            countSpent();
        }
        return block;
    }

    private void countSpent() {
        lock.lock();
        try {
            spentCount++;
        } finally {
            lock.unlock();
        }
    }

    private Block take(int sizeClass) {
        Magazine magazine = magazine();
        if (magazine != null) {
            Block block = magazine.pop(sizeClass);
            if (block != null) {
                return block;
            }
        }
        lock.lock();
        try {
            Block block = takeLocked(sizeClass);
            if (block != null && magazine != null) {
                for (int i = magazine.depth(sizeClass) / 2; i > 0; i--) {
                    Block spare = partial[sizeClass] == null ? null : takeLocked(sizeClass);
                    if (spare == null) {
                        break;
                    }
                    magazine.push(sizeClass, spare);
                }
            }
            return block;
        } finally {
            lock.unlock();
        }
    }

    private Block takeLocked(int sizeClass) {
        Chunk chunk = partial[sizeClass];
        if (chunk == null) {
            chunk = whole;
            if (chunk == null) {
                return null;
            }
            whole = chunk.next;
            chunk.next = null;
            chunk.cut(sizeClass, CLASS_BYTES[sizeClass]);
            link(chunk);
        }
        Block block = chunk.take();
        if (!chunk.hasFree()) {
            unlink(chunk);
        }
        handedOutBytes += CLASS_BYTES[sizeClass];
        return block;
    }

    /// Takes back a block without references.
    void free(Block block) {
        int sizeClass = block.chunk.sizeClass;
        Magazine magazine = magazine();
        if (magazine != null && magazine.push(sizeClass, block)) {
            return;
        }
        lock.lock();
        try {
            freeLocked(block);
            if (magazine != null) {
                for (int i = magazine.depth(sizeClass) / 2; i > 0; i--) {
                    freeLocked(magazine.pop(sizeClass));
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private void freeLocked(Block block) {
        Chunk chunk = block.chunk;
        handedOutBytes -= block.capacity();
        boolean wasFull = !chunk.hasFree();
        chunk.put(block);
        if (chunk.isWhole()) {
            if (!wasFull) {
                unlink(chunk);
            }
            chunk.join();
            chunk.next = whole;
            whole = chunk;
        } else if (wasFull) {
            link(chunk);
        }
    }

    private void link(Chunk chunk) {
        int sizeClass = chunk.sizeClass;
        chunk.previous = null;
        chunk.next = partial[sizeClass];
        if (chunk.next != null) {
            chunk.next.previous = chunk;
        }
        partial[sizeClass] = chunk;
    }

    private void unlink(Chunk chunk) {
        if (chunk.previous == null) {
            partial[chunk.sizeClass] = chunk.next;
        } else {
            chunk.previous.next = chunk.next;
        }
        if (chunk.next != null) {
            chunk.next.previous = chunk.previous;
        }
        chunk.previous = null;
        chunk.next = null;
    }

    private Magazine magazine() {
        return Thread.currentThread() instanceof PoolThread thread ? thread.magazine(this) : null;
    }

    Magazine newMagazine() {
        Magazine magazine = new Magazine(this);
        lock.lock();
        try {
            magazines.add(magazine);
        } finally {
            lock.unlock();
        }
        return magazine;
    }

    void retire(Magazine magazine) {
        lock.lock();
        try {
            for (int i = 0; i < CLASS_BYTES.length; i++) {
                for (Block block = magazine.pop(i); block != null; block = magazine.pop(i)) {
                    freeLocked(block);
                }
            }
            magazines.remove(magazine);
        } finally {
            lock.unlock();
        }
    }

    /// Bytes that payloads hold now. Exact when nothing is in motion.
    public long outstandingBytes() {
        lock.lock();
        try {
            long atHand = 0;
            for (Magazine magazine : magazines) {
                atHand += magazine.freeBytes();
            }
            return handedOutBytes - atHand;
        } finally {
            lock.unlock();
        }
    }

    /// How often an allocation found the pool spent.
    public long spentCount() {
        lock.lock();
        try {
            return spentCount;
        } finally {
            lock.unlock();
        }
    }

    /// Gives the pages of free memory back to the kernel.
    ///
    /// @return how many bytes
    public long trim() {
        lock.lock();
        try {
            long trimmed = 0;
            for (Chunk chunk = whole; chunk != null; chunk = chunk.next) {
                if (chunk.touched) {
                    chunk.touched = false;
                    FileCalls.dropPages(chunk.memory.address(), CHUNK_BYTES);
                    trimmed += CHUNK_BYTES;
                }
            }
            return trimmed;
        } finally {
            lock.unlock();
        }
    }

    /// Where the blocks that are still in use were allocated; empty unless the pool is traced.
    public List<Throwable> leaks() {
        lock.lock();
        try {
            List<Throwable> leaks = new ArrayList<>();
            for (Chunk chunk : chunks) {
                for (Block block : chunk.blocks()) {
                    if (!chunk.isFree(block) && block.allocatedAt != null) {
                        leaks.add(block.allocatedAt);
                    }
                }
            }
            return leaks;
        } finally {
            lock.unlock();
        }
    }

    /// Ends the pool. No block may be in use.
    @Override
    public void close() {
        long outstanding = outstandingBytes();
        Invariant.check(outstanding == 0, "the pool was closed with %d bytes in use", outstanding);
        FileCalls.releaseMemory(memory);
    }

    /// Frees all memory though some of it was not given back: for a simulated process that was
    /// killed, once nothing of it runs any more.
    public void abandon() {
        FileCalls.releaseMemory(memory);
    }
}

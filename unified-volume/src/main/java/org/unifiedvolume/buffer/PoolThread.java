package org.unifiedvolume.buffer;

/// A thread that keeps a few free blocks at hand, so that most allocations take no lock.
///
/// The threads of the data path are of this kind. When one ends it must call [#returnBlocks].
public class PoolThread extends Thread {
    private Magazine magazine;

    public PoolThread(Runnable task, String name) {
        super(null, task, name, 0, false);
    }

    /// The thread's magazine for `pool`; a thread serves the first pool it meets.
    final Magazine magazine(BufferPool pool) {
        if (magazine == null) {
            magazine = pool.newMagazine();
        }
        return magazine.pool == pool ? magazine : null;
    }

    /// Gives the blocks at hand back to the pool; called by the thread itself as its last deed.
    protected final void returnBlocks() {
        if (magazine != null) {
            magazine.pool.retire(magazine);
            magazine = null;
        }
    }
}

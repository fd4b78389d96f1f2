package org.unifiedvolume.targets.file;

/// Where local I/O waits, so that the threads of the data path need not.
public interface LocalLane extends AutoCloseable {
    /// Runs a blocking task soon, on another thread.
    void run(Runnable task);

    /// Waits for what was started, a bounded time, and stops.
    @Override
    void close();
}

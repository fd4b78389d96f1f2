package org.unifiedvolume.bench;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.unifiedvolume.buffer.PoolThread;

/// Lets JMH run benchmarks on threads of the kind that the data path has.
public final class PoolThreadExecutor extends ThreadPoolExecutor {
    /// The constructor that JMH looks for.
    public PoolThreadExecutor(int maxThreads, String prefix) {
        super(
                maxThreads,
                maxThreads,
                1,
                TimeUnit.MINUTES,
                new LinkedBlockingQueue<>(),
                task -> new PoolThread(task, prefix));
    }
}

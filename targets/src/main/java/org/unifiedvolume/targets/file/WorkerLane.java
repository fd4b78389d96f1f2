package org.unifiedvolume.targets.file;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.buffer.PoolThread;

/// A lane of a few threads of one device's own, started when first needed and ended when idle.
final class WorkerLane implements LocalLane {
    private static final Logger LOG = LoggerFactory.getLogger(WorkerLane.class);
    private static final long IDLE_SECONDS = 10;
    private static final long CLOSE_SECONDS = 1;

    /// A worker keeps free blocks at hand like every thread of the data path.
    private static final class Worker extends PoolThread {
        Worker(Runnable task, String name) {
            super(task, name);
            setDaemon(true);
        }

        @Override
        public void run() {
            try {
                super.run();
            } finally {
                returnBlocks();
            }
        }
    }

    private final String name;
    private final ThreadPoolExecutor workers;

    WorkerLane(String name, int maxThreads) {
        this.name = name;
        AtomicInteger count = new AtomicInteger();
        this.workers =
                new ThreadPoolExecutor(
                        maxThreads,
                        maxThreads,
                        IDLE_SECONDS,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(),
                        task ->
                                new Worker(
                                        task, "uvol-io-" + name + "-" + count.getAndIncrement()));
        workers.allowCoreThreadTimeOut(true);
    }

    @Override
    public void run(Runnable task) {
        workers.execute(task);
    }

    @Override
    public void close() {
        workers.shutdown();
        try {
            if (!workers.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
                LOG.warn(
                        "{}: I/O is still under way {} s after it was asked to end",
                        name,
                        CLOSE_SECONDS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

package org.unifiedvolume.raid.redundant;

import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

/// The control threads of a running process: virtual ones.
public final class VirtualThreads implements ControlThreads {
    @Override
    public void start(String name, Runnable task) {
        Thread.ofVirtual().name(name).start(task);
    }

    @Override
    public void await(Consumer<Runnable> asked) throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        asked.accept(done::countDown);
        done.await();
    }
}

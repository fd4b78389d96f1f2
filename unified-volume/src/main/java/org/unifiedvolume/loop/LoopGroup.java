package org.unifiedvolume.loop;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/// The event loops of a process, one for each CPU unless asked otherwise.
public final class LoopGroup implements AutoCloseable {
    private final List<EventLoop> loops = new ArrayList<>();
    private final AtomicInteger next = new AtomicInteger();

    public LoopGroup(int count) {
        for (int i = 0; i < count; i++) {
            EventLoop loop = new EventLoop(i);
            loops.add(loop);
            loop.start();
        }
    }

    public static LoopGroup ofAllCpus() {
        return new LoopGroup(Math.max(1, Runtime.getRuntime().availableProcessors()));
    }

    public int size() {
        return loops.size();
    }

    public EventLoop get(int index) {
        return loops.get(index);
    }

    /// The loops in turn.
    public EventLoop next() {
        return loops.get(Math.floorMod(next.getAndIncrement(), loops.size()));
    }

    @Override
    public void close() {
        loops.forEach(EventLoop::close);
    }
}

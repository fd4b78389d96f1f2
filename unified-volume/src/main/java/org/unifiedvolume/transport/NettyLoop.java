package org.unifiedvolume.transport;

import io.netty.channel.EventLoop;
import java.util.ArrayDeque;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.unifiedvolume.loop.Loop;

/// One of Netty's event loops, as the rest of the code sees loops.
final class NettyLoop implements Loop {
    private final EventLoop loop;
    private final ArrayDeque<Runnable> endTasks = new ArrayDeque<>();

    NettyLoop(EventLoop loop) {
        this.loop = loop;
    }

    EventLoop netty() {
        return loop;
    }

    @Override
    public boolean inLoop() {
        return loop.inEventLoop();
    }

    @Override
    public void execute(Runnable task) {
        loop.execute(task);
    }

    /// Netty has no end of turn; the tasks run as the next thing the loop does.
    @Override
    public void atEnd(Runnable task) {
        if (endTasks.isEmpty()) {
            loop.execute(this::runEndTasks);
        }
        endTasks.add(task);
    }

    private void runEndTasks() {
        for (int count = endTasks.size(); count > 0; count--) {
            endTasks.poll().run();
        }
        if (!endTasks.isEmpty()) {
            loop.execute(this::runEndTasks);
        }
    }

    @Override
    public long nanoTime() {
        return System.nanoTime();
    }

    @Override
    public Cancellable after(long delayNanos, Runnable task) {
        ScheduledFuture<?> future =
                loop.schedule(task, Math.max(0, delayNanos), TimeUnit.NANOSECONDS);
        return () -> future.cancel(false);
    }
}

package org.unifiedvolume.testkit;

import java.util.ArrayDeque;
import java.util.PriorityQueue;
import org.unifiedvolume.loop.Loop;

/// Time that moves only when a test says so; also the loop that everything in a simulation runs on.
///
/// Tasks run on the thread that calls [#step], [#advance] or [#runUntilIdle], in the order of their
/// times and, at one time, in the order in which they were added: a run repeats exactly.
public final class VirtualTime implements Loop {
    private static final class Task implements Comparable<Task>, Cancellable {
        private final long dueNanos;
        private final long order;
        private Runnable action;

        Task(long dueNanos, long order, Runnable action) {
            this.dueNanos = dueNanos;
            this.order = order;
            this.action = action;
        }

        @Override
        public int compareTo(Task other) {
            int byTime = Long.compare(dueNanos, other.dueNanos);
            return byTime != 0 ? byTime : Long.compare(order, other.order);
        }

        @Override
        public void cancel() {
            action = null;
        }
    }

    private final PriorityQueue<Task> tasks = new PriorityQueue<>();
    private final ArrayDeque<Runnable> endTasks = new ArrayDeque<>();
    private long nowNanos;
    private long added;

    @Override
    public long nanoTime() {
        return nowNanos;
    }

    @Override
    public Cancellable after(long delayNanos, Runnable task) {
        Task timed = new Task(nowNanos + Math.max(0, delayNanos), added++, task);
        tasks.add(timed);
        return timed;
    }

    @Override
    public boolean inLoop() {
        return true;
    }

    @Override
    public void execute(Runnable task) {
        after(0, task);
    }

    @Override
    public void atEnd(Runnable task) {
        endTasks.add(task);
    }

    /// Runs the next task, moving time to it.
    ///
    /// @return false if there is none
    public boolean step() {
        runEndTasks();
        Task next = tasks.poll();
        while (next != null && next.action == null) {
            next = tasks.poll();
        }
        if (next == null) {
            return false;
        }
        nowNanos = Math.max(nowNanos, next.dueNanos);
        next.action.run();
        runEndTasks();
        return true;
    }

    private void runEndTasks() {
        while (!endTasks.isEmpty()) {
            endTasks.poll().run();
        }
    }

    /// Runs everything that falls due within the next `nanos`, and moves time that far.
    public void advance(long nanos) {
        long until = nowNanos + nanos;
        while (true) {
            runEndTasks();
            while (!tasks.isEmpty() && tasks.peek().action == null) {
                tasks.poll();
            }
            if (tasks.isEmpty() || tasks.peek().dueNanos > until) {
                break;
            }
            step();
        }
        nowNanos = until;
    }

    /// Runs until nothing is left to do.
    public void runUntilIdle() {
        while (step()) {
            // each step does the work
        }
    }
}

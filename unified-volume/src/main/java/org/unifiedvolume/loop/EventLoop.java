package org.unifiedvolume.loop;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.Invariant;
import org.unifiedvolume.buffer.PoolThread;
import org.unifiedvolume.linux.ClockCalls;
import org.unifiedvolume.linux.EpollCalls;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.FileCalls;

/// A thread that waits for many descriptors with `epoll(7)` and serves each as it becomes ready.
///
/// One turn: wait; serve every ready descriptor; run tasks from other threads; run due timers; run
/// the tasks of [#atEnd] (sending what gathered in this turn). While nothing happens the thread
/// sleeps in the kernel and takes no CPU.
public final class EventLoop implements Loop, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EventLoop.class);
    private static final int EVENTS_PER_TURN = 128;
    private static final long NANOS_PER_MILLI = 1_000_000;

    /// How long [WaitTuner.Wait#PAUSE] lets requests gather.
    private static final long PAUSE_NANOS = 20_000;

    /// How long [WaitTuner.Wait#SPIN] looks again before it sleeps.
    private static final long SPIN_NANOS = 30_000;

    /// Serves one descriptor; called on the loop's thread only.
    public interface Handler {
        /// The descriptor is ready for what `mask` says (`EPOLLIN`, `EPOLLOUT`, `EPOLLERR` …).
        void ready(int mask);

        /// [#ready] threw: our code is wrong. The handler closes what it owns.
        void broken(Throwable cause);
    }

    /// Something that belongs to one loop and ends with it.
    public interface Companion {
        /// The loop ends: called on its thread, as its last deed.
        void close();
    }

    /// A descriptor under this loop's care.
    public final class Registration {
        private final int fd;
        private final int slot;
        private final Handler handler;
        private int mask;

        private Registration(int fd, int slot, Handler handler, int mask) {
            this.fd = fd;
            this.slot = slot;
            this.handler = handler;
            this.mask = mask;
        }

        /// Changes what is waited for; does nothing if it is that already.
        public void await(int newMask) {
            if (newMask != mask) {
                mask = newMask;
                control(EpollCalls.EPOLL_CTL_MOD, fd, newMask, slot);
            }
        }

        public int mask() {
            return mask;
        }

        /// Ends the care for the descriptor; does not close it.
        public void cancel() {
            if (slots.get(slot) == this) {
                control(EpollCalls.EPOLL_CTL_DEL, fd, 0, slot);
                slots.set(slot, null);
                freeSlots.push(slot);
            }
        }
    }

    private static final class Timer implements Comparable<Timer>, Cancellable {
        private final long dueNanos;
        private volatile Runnable task;

        Timer(long dueNanos, Runnable task) {
            this.dueNanos = dueNanos;
            this.task = task;
        }

        @Override
        public int compareTo(Timer other) {
            return Long.compare(dueNanos - other.dueNanos, 0);
        }

        @Override
        public void cancel() {
            task = null;
        }
    }

    /// The loop's thread; a kind of its own so that [EventLoop#current] costs no look-up.
    private static final class LoopThread extends PoolThread {
        private final EventLoop loop;

        LoopThread(EventLoop loop, String name) {
            super(loop::run, name);
            this.loop = loop;
        }

        void retire() {
            returnBlocks();
        }
    }

    private final int index;
    private final int epoll;
    private final int wakeFd;
    private final LoopThread thread;
    private final EpollCalls.Events events = new EpollCalls.Events(EVENTS_PER_TURN);
    private final ArrayList<Registration> slots = new ArrayList<>();
    private final ArrayDeque<Integer> freeSlots = new ArrayDeque<>();
    private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final PriorityQueue<Timer> timers = new PriorityQueue<>();
    private ArrayDeque<Runnable> endTasks = new ArrayDeque<>();
    private final Map<Class<?>, Companion> companions = new HashMap<>();
    private final WaitTuner tuner;
    private boolean hadWork;
    private volatile boolean asleep;
    private volatile boolean stopping;

    /// @param index the loop's number within its group, for its thread's name
    public EventLoop(int index) {
        this.index = index;
        this.epoll = EpollCalls.create();
        this.wakeFd = EpollCalls.eventfd();
        Invariant.check(epoll >= 0 && wakeFd >= 0, "no descriptors left for a loop (%d)", epoll);
        this.thread = new LoopThread(this, "uvol-loop-" + index);
        this.tuner = new WaitTuner(thread.getName());
        thread.setDaemon(true);
    }

    public void start() {
        thread.start();
    }

    public int index() {
        return index;
    }

    /// The loop whose thread is calling, or null.
    public static EventLoop current() {
        return Thread.currentThread() instanceof LoopThread loopThread ? loopThread.loop : null;
    }

    /// Says that a descriptor of this loop has moved bytes; the loop tunes its waiting by it. Only
    /// on the loop's thread.
    public void moved(long bytes) {
        tuner.moved(bytes);
    }

    @Override
    public boolean inLoop() {
        return Thread.currentThread() == thread;
    }

    @Override
    public void execute(Runnable task) {
        tasks.add(task);
        if (asleep && !inLoop()) {
            wake();
        }
    }

    private void wake() {
        // Any number but zero wakes; the page of the counter itself serves as the source.
        FileCalls.write(wakeFd, WakeWord.ADDRESS, Long.BYTES);
    }

    @Override
    public void atEnd(Runnable task) {
        endTasks.add(task);
    }

    @Override
    public long nanoTime() {
        return System.nanoTime();
    }

    @Override
    public Cancellable after(long delayNanos, Runnable task) {
        Timer timer = new Timer(System.nanoTime() + Math.max(0, delayNanos), task);
        if (inLoop()) {
            timers.add(timer);
        } else {
            execute(() -> timers.add(timer));
        }
        return timer;
    }

    /// Takes a descriptor under care. Only on the loop's thread.
    public Registration register(int fd, int mask, Handler handler) {
        int slot;
        if (freeSlots.isEmpty()) {
            slot = slots.size();
            slots.add(null);
        } else {
            slot = freeSlots.pop();
        }
        Registration registration = new Registration(fd, slot, handler, mask);
        slots.set(slot, registration);
        control(EpollCalls.EPOLL_CTL_ADD, fd, mask, slot);
        return registration;
    }

    /// The loop's companion of a kind; made when it is first asked for. Only on the loop's thread.
    public <T extends Companion> T companion(Class<T> kind, Function<EventLoop, T> maker) {
        Companion known = companions.get(kind);
        if (known == null) {
            known = maker.apply(this);
            companions.put(kind, known);
        }
        return kind.cast(known);
    }

    private void control(int operation, int fd, int mask, int slot) {
        int result = EpollCalls.control(epoll, operation, fd, mask, slotData(slot, fd));
        Invariant.check(result == 0, "epoll_ctl answered %d", result);
    }

    /// An event names its slot and its descriptor, so that one for a predecessor in the same slot
    /// is told from one for the descriptor that is there now.
    private static long slotData(int slot, int fd) {
        return (long) fd << 32 | slot;
    }

    private void run() {
        try {
            ClockCalls.sleepExactly();
            EpollCalls.control(epoll, EpollCalls.EPOLL_CTL_ADD, wakeFd, EpollCalls.EPOLLIN, -1L);
            while (!stopping) {
                turn();
            }
            runTasks();
            runEndTasks();
        } finally {
            companions.values().forEach(companion -> runGuarded(companion::close));
            thread.retire();
            FileCalls.close(wakeFd);
            FileCalls.close(epoll);
        }
    }

    private void turn() {
        int count = awaitEvents();
        Invariant.check(
                count >= 0 || count == -Errno.EINTR, "waiting for events failed (%d)", count);
        for (int i = 0; i < count; i++) {
            serve(events.data(i), events.mask(i));
        }
        runTasks();
        runTimers();
        runEndTasks();
        hadWork = count > 0;
        if (hadWork) {
            tuner.turned();
        }
    }

    private int awaitEvents() {
        if (hadWork && tasks.isEmpty()) {
            switch (tuner.mode()) {
                case SLEEP -> {}
                case PAUSE -> ClockCalls.sleep(PAUSE_NANOS);
                case SPIN -> {
                    int count = spin();
                    if (count != 0) {
                        return count;
                    }
                }
            }
        }
        int timeoutMillis = timeoutMillis();
        asleep = true;
        boolean idle = tasks.isEmpty() && endTasks.isEmpty();
        int count = EpollCalls.await(epoll, events, idle ? timeoutMillis : 0);
        asleep = false;
        return count;
    }

    private int spin() {
        long end = System.nanoTime() + SPIN_NANOS;
        int count = 0;
        while (count == 0 && tasks.isEmpty() && System.nanoTime() - end < 0) {
            count = EpollCalls.await(epoll, events, 0);
        }
        return count;
    }

    private void serve(long data, int mask) {
        if (data == -1L) {
            FileCalls.read(wakeFd, WakeWord.SINK, Long.BYTES);
            return;
        }
        Registration registration = slots.get((int) data);
        if (registration == null || registration.fd != (int) (data >>> 32)) {
            return;
        }
        try {
            registration.handler.ready(mask);
        } catch (Throwable e) {
            LOG.error("a handler on {} failed; what it served is closed", thread.getName(), e);
            broken(registration, e);
        }
    }

    private void broken(Registration registration, Throwable cause) {
        try {
            registration.handler.broken(cause);
        } catch (Throwable e) {
            LOG.error("closing after a failure failed too", e);
        }
        try {
            registration.cancel();
        } catch (RuntimeException | Error e) {
            // The handler closed its descriptor, which ended the care for it.
            slots.set(registration.slot, null);
            LOG.debug("a broken handler had closed its descriptor", e);
        }
    }

    private void runTasks() {
        // Tasks that tasks add run in the next turn, so that descriptors are never starved.
        for (int limit = tasks.size(); limit > 0; limit--) {
            Runnable task = tasks.poll();
            if (task == null) {
                return;
            }
            runGuarded(task);
        }
    }

    private void runTimers() {
        while (!timers.isEmpty() && timers.peek().dueNanos - System.nanoTime() <= 0) {
            Runnable task = timers.poll().task;
            if (task != null) {
                runGuarded(task);
            }
        }
    }

    private void runEndTasks() {
        while (!endTasks.isEmpty()) {
            runGuarded(endTasks.poll());
        }
    }

    private void runGuarded(Runnable task) {
        try {
            task.run();
        } catch (Throwable e) {
            LOG.error("a task on {} failed", thread.getName(), e);
        }
    }

    private int timeoutMillis() {
        while (!timers.isEmpty() && timers.peek().task == null) {
            timers.poll();
        }
        if (timers.isEmpty()) {
            return -1;
        }
        long nanos = timers.peek().dueNanos - System.nanoTime();
        return Math.clamp((nanos + NANOS_PER_MILLI - 1) / NANOS_PER_MILLI, 0, 3_600_000);
    }

    /// Stops the loop after the current turn and waits for its thread. Descriptors still under care
    /// are left to their owners.
    @Override
    public void close() {
        execute(() -> stopping = true);
        if (!inLoop()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}

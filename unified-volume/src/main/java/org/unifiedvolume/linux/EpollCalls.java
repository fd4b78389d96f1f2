package org.unifiedvolume.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// Waiting for many descriptors at once (`epoll(7)`) and waking such a wait (`eventfd(2)`).
public final class EpollCalls {
    public static final int EPOLLIN = 0x1;
    public static final int EPOLLOUT = 0x4;
    public static final int EPOLLERR = 0x8;
    public static final int EPOLLHUP = 0x10;

    /// Of several waiters for one file, wakes one. Such a registration cannot be changed, only
    /// cancelled.
    public static final int EPOLLEXCLUSIVE = 1 << 28;

    /// Reports each change once, and not for as long as it lasts.
    public static final int EPOLLET = 1 << 31;

    public static final int EPOLL_CTL_ADD = 1;
    public static final int EPOLL_CTL_DEL = 2;
    public static final int EPOLL_CTL_MOD = 3;

    private static final int EPOLL_CLOEXEC = 0x80000;
    private static final int EFD_FLAGS = 0x80800; // EFD_CLOEXEC | EFD_NONBLOCK

    /// `struct epoll_event` is packed on x86-64 and padded elsewhere.
    private static final boolean PACKED = !System.getProperty("os.arch").equals("aarch64");

    private static final int EVENT_BYTES = PACKED ? 12 : 16;
    private static final int DATA_OFFSET = PACKED ? 4 : 8;

    private static final MethodHandle EPOLL_CREATE1 =
            Native.bind("epoll_create1", JAVA_INT, JAVA_INT);
    private static final MethodHandle EPOLL_CTL =
            Native.bind("epoll_ctl", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle EPOLL_WAIT =
            Native.bind("epoll_wait", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT);
    private static final MethodHandle EVENTFD =
            Native.bind("eventfd", JAVA_INT, JAVA_INT, JAVA_INT);

    private EpollCalls() {}

    /// The results of one wait, reused by the thread that owns it.
    public static final class Events {
        private final MemorySegment events;
        private final int capacity;

        public Events(int capacity) {
            this.capacity = capacity;
            this.events = Arena.ofAuto().allocate((long) capacity * EVENT_BYTES, 8);
        }

        public int mask(int index) {
            return events.get(JAVA_INT_UNALIGNED, (long) index * EVENT_BYTES);
        }

        /// The number given to [#control] with the descriptor.
        public long data(int index) {
            return events.get(JAVA_LONG_UNALIGNED, (long) index * EVENT_BYTES + DATA_OFFSET);
        }
    }

    public static int create() {
        try {
            MemorySegment state = Native.state();
            return Native.result((int) EPOLL_CREATE1.invokeExact(state, EPOLL_CLOEXEC), state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    public static int control(int epoll, int operation, int fd, int mask, long data) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Native.state();
            MemorySegment event = arena.allocate(EVENT_BYTES, 8);
            event.set(JAVA_INT_UNALIGNED, 0, mask);
            event.set(JAVA_LONG_UNALIGNED, DATA_OFFSET, data);
            return Native.result(
                    (int) EPOLL_CTL.invokeExact(state, epoll, operation, fd, event.address()),
                    state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Waits until a descriptor is ready, at most `timeoutMillis` (-1: for ever, 0: not at all).
    public static int await(int epoll, Events into, int timeoutMillis) {
        try {
            MemorySegment state = Native.state();
            return Native.result(
                    (int)
                            EPOLL_WAIT.invokeExact(
                                    state,
                                    epoll,
                                    into.events.address(),
                                    into.capacity,
                                    timeoutMillis),
                    state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    public static int eventfd() {
        try {
            MemorySegment state = Native.state();
            return Native.result((int) EVENTFD.invokeExact(state, 0, EFD_FLAGS), state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }
}

package org.unifiedvolume.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// Short sleeps and the calling thread's CPU time (`nanosleep(2)`, `clock_gettime(2)`).
public final class ClockCalls {
    private static final int CLOCK_THREAD_CPUTIME_ID = 3;
    private static final int PR_SET_TIMERSLACK = 29;

    private static final MethodHandle NANOSLEEP =
            Native.bind("nanosleep", JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle CLOCK_GETTIME =
            Native.bind("clock_gettime", JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle PRCTL =
            Native.bindVariadic("prctl", 1, JAVA_INT, JAVA_INT, JAVA_LONG);

    private static final ThreadLocal<MemorySegment> TIMESPEC =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(16, 8));

    private ClockCalls() {}

    /// Sleeps for less than a second. Exact to a few microseconds after [#sleepExactly].
    public static void sleep(long nanos) {
        try {
            MemorySegment state = Native.state();
            MemorySegment timespec = TIMESPEC.get();
            timespec.set(JAVA_LONG, 0, 0L);
            timespec.set(JAVA_LONG, 8, nanos);
            int ignored = (int) NANOSLEEP.invokeExact(state, timespec.address(), 0L);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Lets the calling thread's sleeps end when asked, instead of up to 50 µs later
    /// (`prctl(2)`, `PR_SET_TIMERSLACK`).
    public static void sleepExactly() {
        try {
            MemorySegment state = Native.state();
            int ignored = (int) PRCTL.invokeExact(state, PR_SET_TIMERSLACK, 1L);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// How much CPU time the calling thread has taken, in nanoseconds.
    public static long threadCpuNanos() {
        try {
            MemorySegment state = Native.state();
            MemorySegment timespec = TIMESPEC.get();
            int ignored =
                    (int)
                            CLOCK_GETTIME.invokeExact(
                                    state, CLOCK_THREAD_CPUTIME_ID, timespec.address());
            return timespec.get(JAVA_LONG, 0) * 1_000_000_000L + timespec.get(JAVA_LONG, 8);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }
}

package org.unifiedvolume.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// The three system calls of `io_uring(7)`, which the C library does not wrap, and the mapping of
/// the memory that a ring shares with the kernel.
///
/// The system call numbers are those that x86-64 and AArch64 have in common.
final class RingCalls {
    private static final long SETUP = 425;
    private static final long ENTER = 426;
    private static final long REGISTER = 427;

    private static final int PROT_READ_WRITE = 0x3;
    private static final int MAP_SHARED_POPULATE = 0x8001;

    private static final MethodHandle SYSCALL =
            Native.bindVariadic(
                    "syscall", 1, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
                    JAVA_LONG, JAVA_LONG);
    private static final MethodHandle MMAP =
            Native.bind(
                    "mmap", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT,
                    JAVA_LONG);
    private static final MethodHandle MUNMAP =
            Native.bind("munmap", JAVA_INT, JAVA_LONG, JAVA_LONG);

    private RingCalls() {}

    private static long call(long number, long a, long b, long c, long d, long e, long f) {
        try {
            MemorySegment state = Native.state();
            return Native.result(
                    (long) SYSCALL.invokeExact(state, number, a, b, c, d, e, f), state);
        } catch (Throwable thrown) {
            throw Native.broken(thrown);
        }
    }

    /// Makes a ring (`io_uring_setup(2)`).
    ///
    /// @param params `struct io_uring_params`, filled in by the kernel
    /// @return its descriptor
    static int setup(int entries, MemorySegment params) {
        return (int) call(SETUP, entries, params.address(), 0, 0, 0, 0);
    }

    /// Submits, and may wait (`io_uring_enter(2)`).
    static int enter(
            int ring, int submit, int complete, int flags, long argument, long argumentBytes) {
        return (int) call(ENTER, ring, submit, complete, flags, argument, argumentBytes);
    }

    /// Changes a ring's settings (`io_uring_register(2)`).
    static int register(int ring, int deed, MemorySegment argument, int count) {
        return (int) call(REGISTER, ring, deed, argument.address(), count, 0, 0);
    }

    /// Maps a part of a ring; answers its address, or a negative error number.
    static long map(int ring, long lengthBytes, long offset) {
        try {
            MemorySegment state = Native.state();
            return Native.result(
                    (long)
                            MMAP.invokeExact(
                                    state,
                                    0L,
                                    lengthBytes,
                                    PROT_READ_WRITE,
                                    MAP_SHARED_POPULATE,
                                    ring,
                                    offset),
                    state);
        } catch (Throwable thrown) {
            throw Native.broken(thrown);
        }
    }

    static int unmap(MemorySegment memory) {
        try {
            MemorySegment state = Native.state();
            return Native.result(
                    (int) MUNMAP.invokeExact(state, memory.address(), memory.byteSize()), state);
        } catch (Throwable thrown) {
            throw Native.broken(thrown);
        }
    }
}

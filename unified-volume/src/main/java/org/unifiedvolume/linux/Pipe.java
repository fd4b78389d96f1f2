package org.unifiedvolume.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// A pipe through which the kernel passes pages on (`pipe2(2)`, `splice(2)`), so that bytes get
/// from a socket into a file without a copy in memory of this process.
///
/// Results are the kernel's: zero or more for success, a negative error number otherwise. Used by
/// one thread at a time.
public final class Pipe {
    /// Room for as many pages as an unprivileged process may ask for
    /// (`/proc/sys/fs/pipe-max-size`).
    private static final int SIZE_BYTES = 1 << 20;

    private static final int SPLICE_F_MOVE = 1;
    private static final int SPLICE_F_NONBLOCK = 2;

    private static final MethodHandle PIPE2 = Native.bind("pipe2", JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle SPLICE =
            Native.bind(
                    "splice", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG,
                    JAVA_INT);

    private static final ThreadLocal<MemorySegment> OFFSETS =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(JAVA_LONG));

    private final int readEnd;
    private final int writeEnd;

    private Pipe(int readEnd, int writeEnd) {
        this.readEnd = readEnd;
        this.writeEnd = writeEnd;
    }

    /// Opens an empty pipe; null if there are too many open files.
    public static Pipe open() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ends = arena.allocate(JAVA_INT, 2);
            MemorySegment state = Native.state();
            int result =
                    Native.result(
                            (int)
                                    PIPE2.invokeExact(
                                            state,
                                            ends.address(),
                                            FileCalls.O_CLOEXEC | FileCalls.O_NONBLOCK),
                            state);
            if (result < 0) {
                return null;
            }
            Pipe pipe = new Pipe(ends.getAtIndex(JAVA_INT, 0), ends.getAtIndex(JAVA_INT, 1));
            // A process that has used up its share of pages keeps the small pipe.
            FileCalls.setPipeBytes(pipe.writeEnd, SIZE_BYTES);
            return pipe;
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Moves what has arrived at a socket into the pipe, up to `lengthBytes`; never waits.
    ///
    /// @return `-EAGAIN` if nothing has arrived, or the pipe is full; 0 at the end of the stream
    public long fill(int socket, long lengthBytes) {
        return splice(socket, writeEnd, 0, lengthBytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    }

    /// Moves bytes of the pipe into a file, from an offset on; waits for the file if need be.
    public long drain(int file, long offsetBytes, long lengthBytes) {
        MemorySegment offset = OFFSETS.get();
        offset.set(JAVA_LONG, 0, offsetBytes);
        return splice(readEnd, file, offset.address(), lengthBytes, SPLICE_F_MOVE);
    }

    /// Reads bytes of the pipe into memory; never waits.
    public long read(IoVector vector) {
        return FileCalls.readv(readEnd, vector.address(), vector.count());
    }

    /// @param offsetAt where in native memory the offset in `to` stands; 0 if it has none
    private static long splice(int from, int to, long offsetAt, long lengthBytes, int flags) {
        try {
            MemorySegment state = Native.state();
            return Native.result(
                    (long) SPLICE.invokeExact(state, from, 0L, to, offsetAt, lengthBytes, flags),
                    state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Closes both ends; what is in the pipe is gone.
    public void close() {
        FileCalls.close(readEnd);
        FileCalls.close(writeEnd);
    }
}

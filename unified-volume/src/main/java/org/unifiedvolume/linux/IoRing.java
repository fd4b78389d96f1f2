package org.unifiedvolume.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/// Two rings of memory shared with the kernel, to ask for file I/O and to be told how it ended,
/// many at a time (`io_uring(7)`).
///
/// ```
///   add … add ──► submission ring ──enter──► kernel ──► completion ring ──► hasCompletion,
///                 (tail is ours)                        (head is ours)      completionSeen
/// ```
///
/// The thread that opened it is the only one that may use it. The kernel works for the owner when
/// the owner enters it, not by interrupting it (`DEFER_TASKRUN`, Linux 6.1; older kernels
/// interrupt). No kernel thread polls. [#eventFd] is written whenever there is something new for
/// [#enter] or [#hasCompletion] to bring, sometimes needlessly; with `EPOLLET` it need never be
/// read.
///
/// The memory that an operation names must stay until its completion has been seen, whatever else
/// happens: closing the ring does not end an operation that is with a disk. The list of a gather or
/// scatter operation is read before [#enter] returns.
public final class IoRing {
    /// Reads into one range: the address and length of an [#add] are the range's.
    public static final int READ = 22;

    /// Writes from one range.
    public static final int WRITE = 23;

    /// Reads into several ranges: the address and length are those of [IoVector] entries.
    public static final int READV = 1;

    /// Writes from several ranges.
    public static final int WRITEV = 2;

    /// Flushes a file, by default as `fsync(2)`.
    public static final int FSYNC = 3;

    /// A flag of [#FSYNC]: as `fdatasync(2)`.
    public static final int DATASYNC = 1;

    /// Submits to a kernel thread at once, without trying first what needs no waiting.
    public static final int ASYNC = 1 << 4;

    private static final int SETUP_CLAMP = 1 << 4;
    private static final int SETUP_SUBMIT_ALL = 1 << 7;
    private static final int SETUP_COOP_TASKRUN = 1 << 8;
    private static final int SETUP_TASKRUN_FLAG = 1 << 9;
    private static final int SETUP_SINGLE_ISSUER = 1 << 12;
    private static final int SETUP_DEFER_TASKRUN = 1 << 13;

    /// From the newest kernels to the oldest that will do.
    private static final int[] SETUPS = {
        SETUP_CLAMP
                | SETUP_SUBMIT_ALL
                | SETUP_TASKRUN_FLAG
                | SETUP_SINGLE_ISSUER
                | SETUP_DEFER_TASKRUN, // 6.1
        SETUP_CLAMP | SETUP_SUBMIT_ALL | SETUP_COOP_TASKRUN | SETUP_TASKRUN_FLAG, // 5.19
        SETUP_CLAMP // 5.11, by the features below
    };

    /// `SINGLE_MMAP`, `NODROP`, `SUBMIT_STABLE`, `EXT_ARG`: Linux 5.11 has them all.
    private static final int FEATURES = 1 | 1 << 1 | 1 << 2 | 1 << 8;

    private static final int SQ_CQ_OVERFLOW = 1 << 1;
    private static final int SQ_TASKRUN = 1 << 2;
    private static final int ENTER_GETEVENTS = 1;
    private static final int ENTER_EXT_ARG = 1 << 3;
    private static final int REGISTER_EVENTFD = 4;
    private static final int REGISTER_IOWQ_MAX_WORKERS = 19;
    private static final long OFFSET_SQES = 0x10000000L;

    private static final int PARAMS_BYTES = 120;
    private static final int SQ_OFFSETS = 40;
    private static final int CQ_OFFSETS = 80;
    private static final long SQE_BYTES = 64;
    private static final long CQE_BYTES = 16;
    private static final long NANOS_PER_SECOND = 1_000_000_000L;
    private static final long WAIT_ARGUMENT_BYTES = 24;

    private static final VarHandle INT = JAVA_INT.varHandle();

    private final int fd;
    private final int eventFd;
    private final MemorySegment rings;
    private final MemorySegment sqes;
    private final int entries;
    private final int sqMask;
    private final long sqTailAt;
    private final long sqFlagsAt;
    private final int cqMask;
    private final long cqHeadAt;
    private final long cqTailAt;
    private final long cqesAt;

    /// `struct io_uring_getevents_arg`, then the `struct __kernel_timespec` it points to.
    private final MemorySegment waitArgument = Arena.ofAuto().allocate(WAIT_ARGUMENT_BYTES + 16, 8);

    private int sqTail;
    private int notSubmitted;
    private int cqHead;

    private IoRing(
            int fd, int eventFd, MemorySegment rings, MemorySegment sqes, MemorySegment params) {
        this.fd = fd;
        this.eventFd = eventFd;
        this.rings = rings;
        this.sqes = sqes;
        this.entries = params.get(JAVA_INT, 0);
        this.sqTailAt = params.get(JAVA_INT, SQ_OFFSETS + 4);
        this.sqMask = rings.get(JAVA_INT, params.get(JAVA_INT, SQ_OFFSETS + 8));
        this.sqFlagsAt = params.get(JAVA_INT, SQ_OFFSETS + 16);
        this.cqHeadAt = params.get(JAVA_INT, CQ_OFFSETS);
        this.cqTailAt = params.get(JAVA_INT, CQ_OFFSETS + 4);
        this.cqMask = rings.get(JAVA_INT, params.get(JAVA_INT, CQ_OFFSETS + 8));
        this.cqesAt = params.get(JAVA_INT, CQ_OFFSETS + 20);
        long arrayAt = params.get(JAVA_INT, SQ_OFFSETS + 24);
        for (int i = 0; i < entries; i++) {
            rings.set(JAVA_INT, arrayAt + 4L * i, i);
        }
    }

    /// Makes a ring for the calling thread.
    ///
    /// @param entries how many operations can be under way at once; the kernel rounds up to a power
    ///     of two
    /// @param maxWorkers how many kernel threads may wait, for the calling thread, for what cannot
    ///     be done without waiting
    /// @throws IOException if this kernel or its administrator does not allow it, with the reason
    public static IoRing open(int entries, int maxWorkers) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment params = arena.allocate(PARAMS_BYTES, 8);
            int fd = -Errno.EINVAL;
            for (int i = 0; i < SETUPS.length && fd == -Errno.EINVAL; i++) {
                params.fill((byte) 0);
                params.set(JAVA_INT, 8, SETUPS[i]);
                fd = RingCalls.setup(entries, params);
            }
            if (fd < 0) {
                throw new IOException("io_uring_setup answered " + Errno.meaning(fd));
            }
            int eventFd = EpollCalls.eventfd();
            try {
                register(fd, eventFd, maxWorkers);
                return map(fd, eventFd, params);
            } catch (IOException e) {
                FileCalls.close(fd);
                FileCalls.close(eventFd);
                throw e;
            }
        }
    }

    private static void register(int fd, int eventFd, int maxWorkers) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment numbers = arena.allocate(8, 4);
            numbers.set(JAVA_INT, 0, eventFd);
            int result = RingCalls.register(fd, REGISTER_EVENTFD, numbers, 1);
            if (result < 0) {
                throw new IOException(
                        "an io_uring takes no eventfd, answered " + Errno.meaning(result));
            }
            numbers.set(JAVA_INT, 0, maxWorkers);
            // Linux 5.15; before, the kernel keeps to its own limit.
            RingCalls.register(fd, REGISTER_IOWQ_MAX_WORKERS, numbers, 2);
        }
    }

    private static IoRing map(int fd, int eventFd, MemorySegment params) throws IOException {
        int features = params.get(JAVA_INT, 20);
        if ((features & FEATURES) != FEATURES) {
            throw new IOException(
                    "the kernel's io_uring is too old (features %x)".formatted(features));
        }
        int sqEntries = params.get(JAVA_INT, 0);
        int cqEntries = params.get(JAVA_INT, 4);
        long ringBytes =
                Math.max(
                        params.get(JAVA_INT, SQ_OFFSETS + 24) + 4L * sqEntries,
                        params.get(JAVA_INT, CQ_OFFSETS + 20) + CQE_BYTES * cqEntries);
        MemorySegment rings = map(fd, ringBytes, 0);
        try {
            MemorySegment sqes = map(fd, SQE_BYTES * sqEntries, OFFSET_SQES);
            return new IoRing(fd, eventFd, rings, sqes, params);
        } catch (IOException e) {
            RingCalls.unmap(rings);
            throw e;
        }
    }

    private static MemorySegment map(int fd, long lengthBytes, long offset) throws IOException {
        long address = RingCalls.map(fd, lengthBytes, offset);
        if (address < 0) {
            throw new IOException("mapping an io_uring answered " + Errno.meaning(address));
        }
        return MemorySegment.ofAddress(address).reinterpret(lengthBytes);
    }

    /// What `epoll(7)` can wait for: readable once something was written to it.
    public int eventFd() {
        return eventFd;
    }

    /// How many operations can be under way at once. The owner sees to it that there are no more:
    /// neither ring can then overflow.
    public int entries() {
        return entries;
    }

    /// Adds an operation, which the next [#enter] submits.
    ///
    /// @param operation [#READ], [#WRITE], [#READV], [#WRITEV] or [#FSYNC]
    /// @param length bytes, or entries of a vector
    /// @param operationFlags `RWF_` flags of a transfer, or [#DATASYNC]
    /// @param howFlags 0 or [#ASYNC]
    /// @param mark comes back with the completion
    public void add(
            int operation,
            int file,
            long offsetBytes,
            long address,
            int length,
            int operationFlags,
            int howFlags,
            long mark) {
        long at = (sqTail & sqMask) * SQE_BYTES;
        sqes.set(JAVA_BYTE, at, (byte) operation);
        sqes.set(JAVA_BYTE, at + 1, (byte) howFlags);
        sqes.set(JAVA_INT, at + 4, file);
        sqes.set(JAVA_LONG, at + 8, offsetBytes);
        sqes.set(JAVA_LONG, at + 16, address);
        sqes.set(JAVA_INT, at + 24, length);
        sqes.set(JAVA_INT, at + 28, operationFlags);
        sqes.set(JAVA_LONG, at + 32, mark);
        sqTail++;
        notSubmitted++;
        INT.setRelease(rings, sqTailAt, sqTail);
    }

    /// How many operations have been added and not been submitted.
    public int notSubmitted() {
        return notSubmitted;
    }

    /// Submits what was added and takes in what has ended, without waiting for anything.
    ///
    /// @return 0 or more, or a negative error number: `EAGAIN` and `EBUSY` mean that the kernel is
    ///     short of something and that the rest should be submitted a little later
    public int enter() {
        return entered(RingCalls.enter(fd, notSubmitted, 0, ENTER_GETEVENTS, 0, 0));
    }

    /// As [#enter], and waits until at least one completion is there, for a limited time.
    ///
    /// @return as above; `ETIME` or `EINTR` if nothing came
    public int await(long timeoutNanos) {
        waitArgument.set(JAVA_LONG, 16, waitArgument.address() + WAIT_ARGUMENT_BYTES);
        waitArgument.set(JAVA_LONG, WAIT_ARGUMENT_BYTES, timeoutNanos / NANOS_PER_SECOND);
        waitArgument.set(JAVA_LONG, WAIT_ARGUMENT_BYTES + 8, timeoutNanos % NANOS_PER_SECOND);
        return entered(
                RingCalls.enter(
                        fd,
                        notSubmitted,
                        1,
                        ENTER_GETEVENTS | ENTER_EXT_ARG,
                        waitArgument.address(),
                        WAIT_ARGUMENT_BYTES));
    }

    private int entered(int result) {
        if (result > 0) {
            notSubmitted -= result;
        }
        return result;
    }

    /// Whether the kernel asks to be entered, to bring completions.
    public boolean wantsEnter() {
        return ((int) INT.getAcquire(rings, sqFlagsAt) & (SQ_TASKRUN | SQ_CQ_OVERFLOW)) != 0;
    }

    /// Whether an operation's end is there to be looked at.
    public boolean hasCompletion() {
        return cqHead != (int) INT.getAcquire(rings, cqTailAt);
    }

    /// Which operation has ended; only after [#hasCompletion].
    public long completedMark() {
        return rings.get(JAVA_LONG, cqesAt + (cqHead & cqMask) * CQE_BYTES);
    }

    /// How it ended: zero or more, or a negative error number; only after [#hasCompletion].
    public int completedResult() {
        return rings.get(JAVA_INT, cqesAt + (cqHead & cqMask) * CQE_BYTES + 8);
    }

    /// Goes on to the next completion.
    public void completionSeen() {
        cqHead++;
        INT.setRelease(rings, cqHeadAt, cqHead);
    }

    /// Gives the ring back. Nothing may be under way.
    public void close() {
        RingCalls.unmap(sqes);
        RingCalls.unmap(rings);
        FileCalls.close(fd);
        FileCalls.close(eventFd);
    }
}

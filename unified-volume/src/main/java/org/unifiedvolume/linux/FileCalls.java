package org.unifiedvolume.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// Files, block devices and anonymous memory: the calls of `open(2)`, `preadv2(2)`,
/// `fallocate(2)`, `lseek(2)` and their kin.
///
/// Results are the kernel's: zero or more for success, a negative error number otherwise.
public final class FileCalls {
    public static final int O_RDONLY = 0;
    public static final int O_RDWR = 2;
    public static final int O_CREAT = 0x40;
    public static final int O_EXCL = 0x80;
    public static final int O_NONBLOCK = 0x800;
    public static final int O_CLOEXEC = 0x80000;

    /// Bypasses the page cache; its value differs between architectures.
    public static final int O_DIRECT =
            System.getProperty("os.arch").equals("aarch64") ? 0x10000 : 0x4000;

    public static final int RWF_DSYNC = 0x2;
    public static final int RWF_NOWAIT = 0x8;

    public static final int FALLOC_FL_KEEP_SIZE = 0x1;
    public static final int FALLOC_FL_PUNCH_HOLE = 0x2;
    public static final int FALLOC_FL_ZERO_RANGE = 0x10;

    public static final int SEEK_SET = 0;
    public static final int SEEK_END = 2;
    public static final int SEEK_DATA = 3;
    public static final int SEEK_HOLE = 4;

    private static final int F_GETFL = 3;
    private static final int F_SETFL = 4;
    private static final int F_SETPIPE_SZ = 1031;
    public static final int F_OFD_GETLK = 36;
    public static final int F_OFD_SETLK = 37;
    public static final short F_RDLCK = 0;
    public static final short F_WRLCK = 1;
    public static final short F_UNLCK = 2;

    public static final int POSIX_FADV_WILLNEED = 3;

    private static final int PROT_READ_WRITE = 0x3;
    private static final int MAP_PRIVATE = 0x2;
    private static final int MAP_ANONYMOUS = 0x20;
    private static final int MAP_NORESERVE = 0x4000;
    private static final int MADV_DONTNEED = 4;
    private static final int MADV_NOHUGEPAGE = 15;

    private static final long PAGE_BYTES = 4096;
    private static final long SYS_CACHESTAT = 451;
    private static final long CACHESTAT_RANGE_BYTES = 16;

    /// `struct cachestat_range`, then `struct cachestat`.
    private static final ThreadLocal<MemorySegment> CACHESTAT_AREAS =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(64, 8));

    private static final MethodHandle OPEN =
            Native.bindVariadic("open", 2, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT);
    private static final MethodHandle CLOSE = Native.bind("close", JAVA_INT, JAVA_INT);
    private static final MethodHandle DUP3 =
            Native.bind("dup3", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle READ =
            Native.bind("read", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle WRITE =
            Native.bind("write", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle READV =
            Native.bind("readv", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle WRITEV =
            Native.bind("writev", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle PREAD =
            Native.bind("pread", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle PWRITE =
            Native.bind("pwrite", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle PREADV2 =
            Native.bind("preadv2", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle PWRITEV2 =
            Native.bind("pwritev2", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle FALLOCATE =
            Native.bind("fallocate", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle FTRUNCATE =
            Native.bind("ftruncate", JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle LSEEK =
            Native.bind("lseek", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle FSYNC = Native.bind("fsync", JAVA_INT, JAVA_INT);
    private static final MethodHandle FDATASYNC = Native.bind("fdatasync", JAVA_INT, JAVA_INT);
    private static final MethodHandle FADVISE =
            Native.bind("posix_fadvise", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
    private static final MethodHandle FCNTL =
            Native.bindVariadic("fcntl", 2, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle IOCTL =
            Native.bindVariadic("ioctl", 2, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle SENDFILE =
            Native.bind("sendfile", JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle SYSCALL =
            Native.bindVariadic(
                    "syscall", 1, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle FSTATFS =
            Native.bind("fstatfs", JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle MMAP =
            Native.bind(
                    "mmap", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT,
                    JAVA_LONG);
    private static final MethodHandle MUNMAP =
            Native.bind("munmap", JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle MADVISE =
            Native.bind("madvise", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);

    private FileCalls() {}

    /// Opens `path`; `mode` counts only with [#O_CREAT]. Returns the descriptor.
    public static int open(String path, int flags, int mode) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Native.state();
            long name = arena.allocateFrom(path).address();
            return Native.result(
                    (int) OPEN.invokeExact(state, name, flags | O_CLOEXEC, mode), state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Closes a descriptor. An error of a delayed write may come back from here.
    public static int close(int fd) {
        try {
            MemorySegment state = Native.state();
            return Native.result((int) CLOSE.invokeExact(state, fd), state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    public static long read(int fd, long address, long lengthBytes) {
        try {
            MemorySegment state = Native.state();
            return Native.result((long) READ.invokeExact(state, fd, address, lengthBytes), state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    public static long write(int fd, long address, long lengthBytes) {
        try {
            MemorySegment state = Native.state();
            return Native.result((long) WRITE.invokeExact(state, fd, address, lengthBytes), state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Reads into `count` consecutive [IoVector] entries at `vectors`.
    public static long readv(int fd, long vectors, int count) {
        try {
            MemorySegment state = Native.state();
            return Native.result((long) READV.invokeExact(state, fd, vectors, count), state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Writes from `count` consecutive [IoVector] entries at `vectors`.
    public static long writev(int fd, long vectors, int count) {
        try {
            MemorySegment state = Native.state();
            return Native.result((long) WRITEV.invokeExact(state, fd, vectors, count), state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    public static long pread(int fd, long address, long lengthBytes, long offsetBytes) {
        try {
            MemorySegment state = Native.state();
            return Native.result(
                    (long) PREAD.invokeExact(state, fd, address, lengthBytes, offsetBytes), state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    public static long pwrite(int fd, long address, long lengthBytes, long offsetBytes) {
        try {
            MemorySegment state = Native.state();
            return Native.result(
                    (long) PWRITE.invokeExact(state, fd, address, lengthBytes, offsetBytes), state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    public static long preadv2(int fd, long vectors, int count, long offsetBytes, int flags) {
        try {
            MemorySegment state = Native.state();
            return Native.result(
                    (long) PREADV2.invokeExact(state, fd, vectors, count, offsetBytes, flags),
                    state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    public static long pwritev2(int fd, long vectors, int count, long offsetBytes, int flags) {
        try {
            MemorySegment state = Native.state();
            return Native.result(
                    (long) PWRITEV2.invokeExact(state, fd, vectors, count, offsetBytes, flags),
                    state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    public static int fallocate(int fd, int mode, long offsetBytes, long lengthBytes) {
        try {
            MemorySegment state = Native.state();
            return Native.result(
                    (int) FALLOCATE.invokeExact(state, fd, mode, offsetBytes, lengthBytes), state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    public static int ftruncate(int fd, long sizeBytes) {
        try {
            MemorySegment state = Native.state();
            return Native.result((int) FTRUNCATE.invokeExact(state, fd, sizeBytes), state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Moves or asks for a file position; with [#SEEK_DATA] and [#SEEK_HOLE] it walks extents.
    public static long lseek(int fd, long offsetBytes, int whence) {
        try {
            MemorySegment state = Native.state();
            return Native.result((long) LSEEK.invokeExact(state, fd, offsetBytes, whence), state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    public static int fsync(int fd) {
        try {
            MemorySegment state = Native.state();
            return Native.result((int) FSYNC.invokeExact(state, fd), state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    public static int fdatasync(int fd) {
        try {
            MemorySegment state = Native.state();
            return Native.result((int) FDATASYNC.invokeExact(state, fd), state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Tells the kernel how a range will be used. Answers zero or a *positive* error number in C;
    /// here it is negated like the rest.
    public static int fadvise(int fd, long offsetBytes, long lengthBytes, int advice) {
        try {
            MemorySegment state = Native.state();
            return -(int) FADVISE.invokeExact(state, fd, offsetBytes, lengthBytes, advice);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Takes an open-file-description lock on the whole file without waiting (`fcntl(2)`,
    /// `F_OFD_SETLK`). It ends with the descriptor, also when the process is killed.
    ///
    /// @return zero, or `-EAGAIN` / `-EACCES` if another open file holds a conflicting lock
    public static int lockWhole(int fd, boolean exclusive) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Native.state();
            MemorySegment lock = arena.allocate(32, 8); // struct flock: type, whence, start, len
            lock.set(JAVA_SHORT, 0, exclusive ? F_WRLCK : F_RDLCK);
            return Native.result(
                    (int) FCNTL.invokeExact(state, fd, F_OFD_SETLK, lock.address()), state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Closes what `fd` stands for and lets it stand for the same as `other`, in one step
    /// (`dup3(2)`).
    public static int replace(int fd, int other) {
        try {
            MemorySegment state = Native.state();
            return Native.result((int) DUP3.invokeExact(state, other, fd, O_CLOEXEC), state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Makes a pipe larger or smaller (`fcntl(2)`, `F_SETPIPE_SZ`). Returns its size then.
    static int setPipeBytes(int fd, int lengthBytes) {
        try {
            MemorySegment state = Native.state();
            return Native.result(
                    (int) FCNTL.invokeExact(state, fd, F_SETPIPE_SZ, (long) lengthBytes), state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Lets calls on a descriptor answer `EAGAIN` instead of waiting (`fcntl(2)`, `F_SETFL`).
    public static int setNonBlocking(int fd) {
        try {
            MemorySegment state = Native.state();
            int flags = Native.result((int) FCNTL.invokeExact(state, fd, F_GETFL, 0L), state);
            if (flags < 0) {
                return flags;
            }
            long more = flags | O_NONBLOCK;
            return Native.result((int) FCNTL.invokeExact(state, fd, F_SETFL, more), state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Whether [#lockWhole] would succeed now; takes no lock, and works on a descriptor that is
    /// open for reading only.
    ///
    /// @return 1 if it would, 0 if somebody else holds a lock in its way, or a negative error
    ///     number
    public static int isLockFree(int fd, boolean exclusive) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Native.state();
            MemorySegment lock = arena.allocate(32, 8);
            lock.set(JAVA_SHORT, 0, exclusive ? F_WRLCK : F_RDLCK);
            int result =
                    Native.result(
                            (int) FCNTL.invokeExact(state, fd, F_OFD_GETLK, lock.address()), state);
            if (result < 0) {
                return result;
            }
            return lock.get(JAVA_SHORT, 0) == F_UNLCK ? 1 : 0;
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    public static int ioctl(int fd, long request, long argument) {
        try {
            MemorySegment state = Native.state();
            return Native.result((int) IOCTL.invokeExact(state, fd, request, argument), state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Sends bytes of a file to a socket (`sendfile(2)`), without a copy through memory of the
    /// caller.
    ///
    /// @param offsetAt where in native memory the offset to start from stands; moved on by what was
    ///     sent
    public static long sendfile(int socket, int fd, MemorySegment offsetAt, long lengthBytes) {
        try {
            MemorySegment state = Native.state();
            return Native.result(
                    (long) SENDFILE.invokeExact(state, socket, fd, offsetAt.address(), lengthBytes),
                    state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Whether a whole range of a file is in the page cache (`cachestat(2)`, Linux 6.5). An older
    /// kernel's answer is no.
    public static boolean isCached(int fd, long offsetBytes, long lengthBytes) {
        MemorySegment area = CACHESTAT_AREAS.get();
        area.set(JAVA_LONG, 0, offsetBytes);
        area.set(JAVA_LONG, 8, lengthBytes);
        try {
            MemorySegment state = Native.state();
            long result =
                    (long)
                            SYSCALL.invokeExact(
                                    state,
                                    SYS_CACHESTAT,
                                    (long) fd,
                                    area.address(),
                                    area.address() + CACHESTAT_RANGE_BYTES,
                                    0L);
            long first = offsetBytes / PAGE_BYTES;
            long last = (offsetBytes + lengthBytes - 1) / PAGE_BYTES;
            return result == 0 && area.get(JAVA_LONG, CACHESTAT_RANGE_BYTES) == last - first + 1;
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// The magic number of the filesystem that holds an open file (`statfs(2)`, `f_type`), or a
    /// negative error number.
    public static long filesystemType(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Native.state();
            MemorySegment statfs = arena.allocate(256, 8);
            int result =
                    Native.result((int) FSTATFS.invokeExact(state, fd, statfs.address()), state);
            return result < 0 ? result : statfs.get(JAVA_LONG, 0);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Reserves page-aligned, zeroed memory that takes no room until it is touched.
    ///
    /// @throws OutOfMemoryError if the address space or the overcommit limit is spent
    public static MemorySegment reserveMemory(long lengthBytes) {
        try {
            MemorySegment state = Native.state();
            long address =
                    Native.result(
                            (long)
                                    MMAP.invokeExact(
                                            state,
                                            0L,
                                            lengthBytes,
                                            PROT_READ_WRITE,
                                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                                            -1,
                                            0L),
                            state);
            if (address < 0) {
                throw new OutOfMemoryError(
                        "cannot reserve %d bytes of memory: %s"
                                .formatted(lengthBytes, Errno.meaning(address)));
            }
            int ignored = (int) MADVISE.invokeExact(state, address, lengthBytes, MADV_NOHUGEPAGE);
            return MemorySegment.ofAddress(address).reinterpret(lengthBytes);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Gives the pages of a reserved range back to the kernel; they read as zero afterwards.
    public static int dropPages(long address, long lengthBytes) {
        try {
            MemorySegment state = Native.state();
            return Native.result(
                    (int) MADVISE.invokeExact(state, address, lengthBytes, MADV_DONTNEED), state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Ends a reservation made by [#reserveMemory].
    public static int releaseMemory(MemorySegment memory) {
        try {
            MemorySegment state = Native.state();
            return Native.result(
                    (int) MUNMAP.invokeExact(state, memory.address(), memory.byteSize()), state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }
}

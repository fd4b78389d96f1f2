package org.unifiedvolume.targets.file;

import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.buffer.PipedBuffers;
import org.unifiedvolume.buffer.Slice;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.FileCalls;
import org.unifiedvolume.linux.IoVector;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.IoRequest.Write;
import org.unifiedvolume.request.Outcome;

/// Reads and writes an open file with scatter-gather calls, and goes on where a call stopped short.
final class FileTransfers {
    /// How many tries that would have waited make a device stop trying, and for how many writes.
    private static final int PATIENCE = 8;

    private static final int WRITES_WITHOUT_TRYING = 1024;

    private final String member;
    private final OpenFile file;
    private final BufferPool pool;
    private int failedTries;
    private int writesToSkip;
    private volatile boolean knowsNoWaitWrites = true;

    FileTransfers(String member, OpenFile file, BufferPool pool) {
        this.member = member;
        this.file = file;
        this.pool = pool;
    }

    /// Reads what can be had without waiting; answers how many bytes.
    long readWithoutWaiting(Read read, Buffers target) {
        IoVector vector = FileDevice.vector();
        target.addTo(vector, 0);
        long count =
                FileCalls.preadv2(
                        file.fd(),
                        vector.address(),
                        vector.count(),
                        read.offsetBytes(),
                        FileCalls.RWF_NOWAIT);
        return Math.max(0, count);
    }

    /// Reads from `already` bytes on. Releases the target if it fails.
    Outcome read(Read read, Buffers target, long already) {
        long done = already;
        while (done < read.lengthBytes()) {
            long count = readOnce(target, done, read.offsetBytes() + done);
            if (count == -Errno.EINTR) {
                continue;
            }
            if (count <= 0) {
                target.release();
                return new Outcome.Failed(
                        count == 0
                                ? FileFaults.truncated(member, read, file.sizeBytes())
                                : FileFaults.of(member, read, count));
            }
            done += count;
        }
        return new Outcome.Data(target);
    }

    private long readOnce(Buffers target, long done, long offset) {
        if (target.sliceCount() == 1) {
            Slice slice = target.slice(0);
            return FileCalls.pread(
                    file.fd(), slice.address() + done, slice.length() - done, offset);
        }
        IoVector vector = FileDevice.vector();
        target.addTo(vector, done);
        return FileCalls.preadv2(file.fd(), vector.address(), vector.count(), offset, 0);
    }

    /// Writes what can be written without waiting; answers how many bytes.
    ///
    /// Many filesystems cannot promise that for writes, or only seldom; so a device that is refused
    /// often stops asking for a while. The counters are read and written without care for races:
    /// they only tune.
    long writeWithoutWaiting(Write write) {
        if (!knowsNoWaitWrites || write.durability() == Durability.DURABLE) {
            return 0;
        }
        if (writesToSkip > 0) {
            writesToSkip--;
            return 0;
        }
        if (file.blockBytes() > 1) {
            return 0;
        }
        IoVector vector = FileDevice.vector();
        write.source().addTo(vector, 0);
        long count =
                FileCalls.pwritev2(
                        file.fd(),
                        vector.address(),
                        vector.count(),
                        write.offsetBytes(),
                        FileCalls.RWF_NOWAIT);
        if (count == -Errno.EOPNOTSUPP) {
            knowsNoWaitWrites = false;
        } else if (count >= 0) {
            failedTries = 0;
        } else if (++failedTries >= PATIENCE) {
            failedTries = 0;
            writesToSkip = WRITES_WITHOUT_TRYING;
        }
        return Math.max(0, count);
    }

    /// Writes from `already` bytes on.
    Outcome write(Write write, long already) {
        if (isDrainable(write)) {
            return drain(write);
        }
        return isFit(write) ? write(write, write.source(), already) : writeBounced(write);
    }

    /// Whether a write's bytes may be moved into the file without passing through memory.
    boolean isDrainable(Write write) {
        return write.mayDrain()
                && write.source() instanceof PipedBuffers
                && file.blockBytes() == 1
                && write.durability() == Durability.VOLATILE;
    }

    private Outcome drain(Write write) {
        PipedBuffers source = (PipedBuffers) write.source();
        long result = source.drainTo(file.fd(), write.offsetBytes());
        if (result == -Errno.EINVAL) {
            return write(write, write.source(), 0); // this file cannot be written from a pipe
        }
        return result == 0
                ? Outcome.Done.DONE
                : new Outcome.Failed(FileFaults.of(member, write, result));
    }

    /// Whether a write can be made from the memory that it brings.
    boolean isFit(Write write) {
        return file.blockBytes() == 1 || write.source().isAligned(file.blockBytes());
    }

    /// Direct I/O from memory that is not aligned for it: through a copy.
    private Outcome writeBounced(Write write) {
        Buffers bounce = pool.allocate(write.lengthBytes());
        if (bounce == null) {
            return Outcome.failed(
                    DeviceFault.Kind.NO_MEMORY, member + ": the buffer pool is spent");
        }
        try {
            bounce.copyFrom(0, write.source());
            return write(write, bounce, 0);
        } finally {
            bounce.release();
        }
    }

    private Outcome write(Write write, Buffers source, long already) {
        int flags = write.durability() == Durability.DURABLE ? FileCalls.RWF_DSYNC : 0;
        long done = already;
        while (done < source.length()) {
            long count = writeOnce(source, done, write.offsetBytes() + done, flags);
            if (count == -Errno.EINTR) {
                continue;
            }
            if (count <= 0) {
                return new Outcome.Failed(
                        FileFaults.of(member, write, count == 0 ? Errno.ENOSPC : count));
            }
            done += count;
        }
        return Outcome.Done.DONE;
    }

    private long writeOnce(Buffers source, long done, long offset, int flags) {
        if (source.sliceCount() == 1 && flags == 0) {
            Slice slice = source.slice(0);
            return FileCalls.pwrite(
                    file.fd(), slice.address() + done, slice.length() - done, offset);
        }
        IoVector vector = FileDevice.vector();
        source.addTo(vector, done);
        return FileCalls.pwritev2(file.fd(), vector.address(), vector.count(), offset, flags);
    }

    /// Writes zeroes byte by byte, where the filesystem cannot do better.
    long writeZeroes(long offset, long length) {
        long done = 0;
        while (done < length) {
            IoVector vector = FileDevice.vector();
            long part = Math.min(length - done, ZeroPage.TOTAL_BYTES);
            ZeroPage.addTo(vector, part);
            long count =
                    FileCalls.pwritev2(
                            file.fd(), vector.address(), vector.count(), offset + done, 0);
            if (count == -Errno.EINTR) {
                continue;
            }
            if (count <= 0) {
                return count == 0 ? -Errno.ENOSPC : count;
            }
            done += count;
        }
        return 0;
    }
}

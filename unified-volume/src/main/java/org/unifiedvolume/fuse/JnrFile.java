package org.unifiedvolume.fuse;

import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import jnr.ffi.Pointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.FileCalls;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.spi.TargetContext;
import ru.serce.jnrfuse.FuseStubFS;
import ru.serce.jnrfuse.struct.FileStat;
import ru.serce.jnrfuse.struct.FuseFileInfo;
import ru.serce.jnrfuse.struct.Statvfs;
import ru.serce.jnrfuse.struct.Timespec;

/// The one file of a mount, as libfuse asks for it: every call waits for the volume.
///
/// Called by libfuse's thread; answers zero or more for success, a negative error number otherwise.
final class JnrFile extends FuseStubFS {
    private static final Logger LOG = LoggerFactory.getLogger(JnrFile.class);

    private final VolumeFile file;
    private final TargetContext context;
    private final CompletableFuture<Void> ready = new CompletableFuture<>();
    private volatile FileAttributes attributes;

    JnrFile(VolumeFile file, FileAttributes attributes, TargetContext context) {
        this.file = file;
        this.attributes = attributes;
        this.context = context;
    }

    CompletableFuture<Void> ready() {
        return ready;
    }

    /// Keeps the library's own shutdown hook from unmounting what has been unmounted.
    void forget() {
        mounted.set(false);
    }

    @Override
    public Pointer init(Pointer connection) {
        ready.complete(null);
        return null;
    }

    // ---------------------------------------------------------------------------- bytes

    @Override
    public int read(String path, Pointer target, long size, long offset, FuseFileInfo info) {
        long length = file.within(offset, size);
        if (length <= 0) {
            return length < 0 ? -Errno.EINVAL : 0;
        }
        long cost = BufferPool.costBytes(length);
        admit(cost);
        try {
            Outcome outcome = await(done -> file.read(offset, length, done));
            if (!(outcome instanceof Outcome.Data(Buffers bytes))) {
                return errorOf(outcome);
            }
            bytes.copyTo(0, memory(target, length), 0, length);
            bytes.release();
            return (int) length;
        } finally {
            context.admission().release(cost);
        }
    }

    @Override
    public int write(String path, Pointer source, long size, long offset, FuseFileInfo info) {
        long length = file.within(offset, size);
        if (length < 0) {
            return -Errno.EINVAL;
        }
        if (file.isReadOnly()) {
            return -Errno.EROFS;
        }
        if (length == 0) {
            return size == 0 ? 0 : -Errno.ENOSPC;
        }
        boolean durable = (info.flags.intValue() & Fuse.O_DSYNC) != 0;
        long cost = BufferPool.costBytes(length);
        admit(cost);
        try {
            Buffers bytes = context.io().pool().allocate(length);
            if (bytes == null) {
                return -Errno.ENOMEM;
            }
            bytes.copyFrom(0, memory(source, length), 0, length);
            Durability durability = durable ? Durability.DURABLE : Durability.VOLATILE;
            Outcome outcome = await(done -> file.write(offset, bytes, durability, done));
            bytes.release();
            return outcome.isSuccess() ? (int) length : errorOf(outcome);
        } finally {
            context.admission().release(cost);
        }
    }

    private static MemorySegment memory(Pointer pointer, long length) {
        return MemorySegment.ofAddress(pointer.address()).reinterpret(length);
    }

    private void admit(long cost) {
        CompletableFuture<Void> admitted = new CompletableFuture<>();
        if (!context.admission().acquire(cost, () -> admitted.complete(null))) {
            admitted.join();
        }
    }

    /// Waits for the volume. Its members have deadlines, so it answers.
    private static Outcome await(Consumer<Completion> start) {
        CompletableFuture<Outcome> ended = new CompletableFuture<>();
        start.accept((_, outcome) -> ended.complete(outcome));
        return ended.join();
    }

    private int result(Outcome outcome) {
        return outcome.isSuccess() ? 0 : errorOf(outcome);
    }

    private int errorOf(Outcome outcome) {
        if (outcome instanceof Outcome.Failed(DeviceFault fault)) {
            LOG.debug("{}", fault.getMessage());
            return -FuseErrors.of(fault.kind());
        }
        outcome.discard();
        return -Errno.EIO;
    }

    @Override
    public int flush(String path, FuseFileInfo info) {
        return file.isDirty() ? result(await(file::flush)) : 0;
    }

    @Override
    public int fsync(String path, int dataOnly, FuseFileInfo info) {
        return file.isReadOnly() ? 0 : result(await(file::flush));
    }

    @Override
    public int fallocate(String path, int mode, long offset, long length, FuseFileInfo info) {
        Allocation allocation = Allocation.of(file, mode, offset, length);
        return switch (allocation.deed()) {
            case REFUSE -> -allocation.error();
            case NOTHING -> 0;
            case PUNCH -> result(await(done -> file.punch(offset, allocation.lengthBytes(), done)));
            case ZERO -> result(await(done -> file.zero(offset, allocation.lengthBytes(), done)));
        };
    }

    // ------------------------------------------------------------------------- the file

    @Override
    public int open(String path, FuseFileInfo info) {
        boolean writes = (info.flags.intValue() & Fuse.O_ACCMODE) != FileCalls.O_RDONLY;
        return writes && file.isReadOnly() ? -Errno.EROFS : 0;
    }

    @Override
    public int release(String path, FuseFileInfo info) {
        return 0;
    }

    @Override
    public int getattr(String path, FileStat stat) {
        FileAttributes now = attributes;
        if (file.takeWritten()) {
            now.touch(Instant.now());
        }
        stat.st_mode.set(now.mode());
        stat.st_nlink.set(1);
        stat.st_uid.set(now.userId());
        stat.st_gid.set(now.groupId());
        stat.st_size.set(file.sizeBytes());
        stat.st_blksize.set(FileAttributes.BLOCK_BYTES);
        stat.st_blocks.set((file.sizeBytes() + 511) / 512);
        set(stat.st_atim, now.accessed());
        set(stat.st_mtim, now.modified());
        set(stat.st_ctim, now.changed());
        return 0;
    }

    private static void set(Timespec target, Instant time) {
        target.tv_sec.set(time.getEpochSecond());
        target.tv_nsec.set(time.getNano());
    }

    @Override
    public int fgetattr(String path, FileStat stat, FuseFileInfo info) {
        return getattr(path, stat);
    }

    @Override
    public int truncate(String path, long size) {
        return size == file.sizeBytes() ? 0 : -Errno.EPERM;
    }

    @Override
    public int ftruncate(String path, long size, FuseFileInfo info) {
        return truncate(path, size);
    }

    @Override
    public int chmod(String path, long mode) {
        attributes = attributes.withPermissions((int) mode, Instant.now());
        return 0;
    }

    @Override
    public int chown(String path, long userId, long groupId) {
        // -1 leaves one of them as it is
        attributes =
                attributes.withOwner(
                        (int) userId == -1 ? attributes.userId() : (int) userId,
                        (int) groupId == -1 ? attributes.groupId() : (int) groupId,
                        Instant.now());
        return 0;
    }

    @Override
    public int utimens(String path, Timespec[] times) {
        attributes =
                attributes.withTimes(
                        time(times[0], attributes.accessed()),
                        time(times[1], attributes.modified()),
                        Instant.now());
        return 0;
    }

    /// A time to be set, `UTIME_NOW`, or `UTIME_OMIT` (`utimensat(2)`).
    private static Instant time(Timespec time, Instant before) {
        int nanos = time.tv_nsec.intValue();
        return switch (nanos) {
            case 0x3fffffff -> Instant.now();
            case 0x3ffffffe -> before;
            default -> FileAttributes.time(time.tv_sec.get(), nanos);
        };
    }

    @Override
    public int statfs(String path, Statvfs space) {
        space.f_bsize.set(FileAttributes.BLOCK_BYTES);
        space.f_frsize.set(FileAttributes.BLOCK_BYTES);
        space.f_blocks.set(file.sizeBytes() / FileAttributes.BLOCK_BYTES);
        space.f_bfree.set(0);
        space.f_bavail.set(0);
        space.f_files.set(1);
        space.f_namemax.set(255);
        return 0;
    }
}

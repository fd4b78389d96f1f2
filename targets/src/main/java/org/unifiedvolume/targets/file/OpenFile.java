package org.unifiedvolume.targets.file;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.FileCalls;

/// A file or block device that has been opened, locked and found fit.
///
/// @param fd the descriptor; whoever holds this closes it
/// @param sizeBytes its size, whole blocks
/// @param blockBytes the grid of its requests: 1 for buffered I/O on files
/// @param isDevice whether it is a block device
/// @param inMemory whether its filesystem never waits for a medium (tmpfs, ramfs)
record OpenFile(int fd, long sizeBytes, int blockBytes, boolean isDevice, boolean inMemory) {
    private static final long TMPFS_MAGIC = 0x01021994L;
    private static final long RAMFS_MAGIC = 0x858458f6L;
    private static final long BLKSSZGET = 0x1268;
    private static final long BLKROGET = 0x125e;
    private static final int DEVICE_BLOCK_BYTES = 512;
    private static final int NEW_FILE_MODE = 0600;

    /// Opens, creates if asked to, locks, and measures.
    ///
    /// The lock is taken before anything is changed. It is an open-file-description lock, which
    /// also keeps QEMU off, and which ends with the process however that dies. A block device is
    /// opened exclusively, which fails while it is mounted or part of an array.
    ///
    /// @throws IOException naming the path, what is wrong and what to do
    static OpenFile open(FileOptions options) throws IOException {
        Path path = options.path();
        boolean exists = Files.exists(path);
        boolean isDevice = FileCheck.isBlockDevice(options, exists);
        int fd = openDescriptor(options, exists, isDevice);
        boolean kept = false;
        try {
            OpenFile file = examine(fd, options, exists, isDevice);
            kept = true;
            return file;
        } finally {
            if (!kept) {
                FileCalls.close(fd);
            }
        }
    }

    private static int openDescriptor(FileOptions options, boolean exists, boolean isDevice)
            throws IOException {
        Path path = options.path();
        int flags = options.readOnly() ? FileCalls.O_RDONLY : FileCalls.O_RDWR;
        if (options.direct()) {
            flags |= FileCalls.O_DIRECT;
        }
        if (isDevice && !options.readOnly()) {
            flags |= FileCalls.O_EXCL;
        } else if (!exists) {
            flags |= FileCalls.O_CREAT | FileCalls.O_EXCL;
        }
        int fd = FileCalls.open(path.toString(), flags, NEW_FILE_MODE);
        if (fd >= 0) {
            return fd;
        }
        throw FileCheck.cannotOpen(options, fd);
    }

    private static OpenFile examine(int fd, FileOptions options, boolean existed, boolean isDevice)
            throws IOException {
        Path path = options.path();
        lock(fd, options);
        if (!existed) {
            int result = FileCalls.ftruncate(fd, options.createBytes());
            if (result < 0) {
                Files.deleteIfExists(path);
                throw new IOException(
                        "cannot create %s with %d bytes: %s"
                                .formatted(path, options.createBytes(), Errno.meaning(result)));
            }
        }
        long size = FileCalls.lseek(fd, 0, FileCalls.SEEK_END);
        if (size < 0) {
            throw new IOException(
                    "cannot tell the size of %s: %s".formatted(path, Errno.meaning(size)));
        }
        if (existed) {
            FileCheck.size(options, size);
        }
        if (isDevice && !options.readOnly() && ioctlInt(fd, BLKROGET) == 1) {
            throw new IOException("%s is a read-only device; add ?readonly=true".formatted(path));
        }
        int block = isDevice ? DEVICE_BLOCK_BYTES : 1;
        if (options.direct()) {
            block = directBlock(fd, isDevice);
        }
        FileCheck.notEmpty(path, size, block);
        long type = FileCalls.filesystemType(fd);
        boolean inMemory =
                !isDevice && !options.direct() && (type == TMPFS_MAGIC || type == RAMFS_MAGIC);
        return new OpenFile(fd, size - size % block, block, isDevice, inMemory);
    }

    private static void lock(int fd, FileOptions options) throws IOException {
        int result = FileCalls.lockWhole(fd, !options.readOnly());
        if (result == -Errno.EAGAIN || result == -Errno.EACCES) {
            throw FileCheck.inUse(options);
        }
        // Filesystems without locks (some network ones) answer otherwise: nothing to go by there.
    }

    /// The grid of direct I/O: a device's logical block; for files the page, which all filesystems
    /// take.
    private static int directBlock(int fd, boolean isDevice) {
        int logical = isDevice ? ioctlInt(fd, BLKSSZGET) : 4096;
        return Integer.bitCount(logical) == 1 && logical >= 512 ? logical : 4096;
    }

    private static int ioctlInt(int fd, long request) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(JAVA_INT);
            int result = FileCalls.ioctl(fd, request, value.address());
            return result < 0 ? result : value.get(JAVA_INT, 0);
        }
    }
}

package org.unifiedvolume.targets.file;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.FileCalls;

/// Says why a path cannot be a local member, and what to do about it.
///
/// [#check] looks before anything is opened for writing; opening asks the same questions again,
/// since the answers may have changed meanwhile.
final class FileCheck {
    private FileCheck() {}

    /// Looks at a path without changing or keeping anything.
    ///
    /// @throws IOException if opening would fail
    static void check(FileOptions options) throws IOException {
        Path path = options.path();
        boolean exists = Files.exists(path);
        boolean isDevice = isBlockDevice(options, exists);
        if (!exists) {
            parent(path);
            return;
        }
        int fd = FileCalls.open(path.toString(), FileCalls.O_RDONLY, 0);
        if (fd < 0) {
            throw cannotOpen(options, fd);
        }
        try {
            if (!options.readOnly() && !Files.isWritable(path)) {
                throw cannotOpen(options, Errno.EACCES);
            }
            long size = FileCalls.lseek(fd, 0, FileCalls.SEEK_END);
            size(options, size);
            notEmpty(path, size, isDevice ? 512 : 1);
            if (FileCalls.isLockFree(fd, !options.readOnly()) == 0) {
                throw inUse(options);
            }
        } finally {
            FileCalls.close(fd);
        }
    }

    private static void parent(Path path) throws IOException {
        Path folder = path.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new IOException(
                    "cannot create %s: its folder does not exist; create the folder first"
                            .formatted(path));
        }
        if (!Files.isWritable(folder)) {
            throw new IOException(
                    "cannot create %s: its folder is not writable; check the folder's owner and mode"
                            .formatted(path));
        }
    }

    /// Whether the path is a block device; a file that is not there yet becomes a regular one.
    ///
    /// @throws IOException if it is neither, or is not there and not to be created
    static boolean isBlockDevice(FileOptions options, boolean exists) throws IOException {
        Path path = options.path();
        if (!exists) {
            if (options.createBytes() == 0) {
                throw new IOException(
                        "%s does not exist; create it, or add ?size=10GiB to have it created"
                                .formatted(path));
            }
            return false;
        }
        int type = (int) Files.getAttribute(path, "unix:mode") & 0170000;
        return switch (type) {
            case 0060000 -> true;
            case 0100000 -> false;
            case 0040000 ->
                    throw new IOException(
                            "%s is a directory; name a file in it, such as %s/disk.img?size=10GiB"
                                    .formatted(path, path));
            default ->
                    throw new IOException(
                            "%s is neither a file nor a block device; name one of these"
                                    .formatted(path));
        };
    }

    /// Refuses a file of another size than it is to be created with.
    static void size(FileOptions options, long sizeBytes) throws IOException {
        if (options.createBytes() != 0 && options.createBytes() != sizeBytes) {
            throw new IOException(
                    "%s exists with %d bytes, but ?size= asks for %d; leave out ?size= or name"
                                    .formatted(options.path(), sizeBytes, options.createBytes())
                            + " another file");
        }
    }

    static void notEmpty(Path path, long sizeBytes, int blockBytes) throws IOException {
        if (sizeBytes < blockBytes) {
            throw new IOException(
                    "%s has %d bytes, less than one block of %d; give it a size first, such as with"
                                    .formatted(path, sizeBytes, blockBytes)
                            + " truncate -s 10G");
        }
    }

    static IOException inUse(FileOptions options) {
        return new IOException(
                "%s is in use: another process, or another member of this one, has it open%s; stop"
                                .formatted(
                                        options.path(),
                                        options.readOnly()
                                                ? " for writing"
                                                : ", and a member is written by one alone")
                        + " that, or name another file");
    }

    /// @param error what opening answered
    static IOException cannotOpen(FileOptions options, int error) {
        String remedy =
                switch (Math.abs(error)) {
                    case Errno.EACCES, Errno.EPERM ->
                            options.readOnly()
                                    ? "; check its owner and mode"
                                    : "; check its owner and mode, or add ?readonly=true";
                    case Errno.EBUSY ->
                            "; it is mounted or in use by another array, release it first";
                    case Errno.EROFS -> "; add ?readonly=true";
                    case Errno.EINVAL ->
                            options.direct()
                                    ? "; its filesystem does not know direct I/O, leave out"
                                            + " ?direct=true"
                                    : "";
                    case Errno.ENOENT -> "; its folder does not exist, create it first";
                    default -> "";
                };
        return new IOException(
                "cannot open %s: %s%s".formatted(options.path(), Errno.meaning(error), remedy));
    }
}

package org.unifiedvolume.fuse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.MountCalls;
import org.unifiedvolume.mount.MountTable;
import org.unifiedvolume.mount.Mounts;

/// The file that an export is mounted over: checked, made if it is missing, removed at the end if
/// it was made here.
///
/// A mount whose server was killed is *stale*: everything it is asked fails with `ENOTCONN`. Such
/// a one is taken off; a live one is never touched.
final class MountPoint {
    private static final Logger LOG = LoggerFactory.getLogger(MountPoint.class);

    /// How long a FUSE mount may take to say that it is alive.
    private static final long PROBE_MILLIS = 5_000;

    private static final String FILE_PERMISSIONS = "rw-------";

    private final Path path;
    private final MountCalls.Status status;
    private final boolean ours;

    private MountPoint(Path path, MountCalls.Status status, boolean ours) {
        this.path = path;
        this.status = status;
        this.ours = ours;
    }

    Path path() {
        return path;
    }

    int permissions() {
        return status.mode() & ~MountCalls.S_IFMT;
    }

    int userId() {
        return status.userId();
    }

    int groupId() {
        return status.groupId();
    }

    /// Says whether a file could be mounted here, without changing anything.
    ///
    /// @throws IOException with what is wrong and what to do
    static void check(Path wanted) throws IOException {
        Path path = resolve(wanted);
        if (!isStale(path)) {
            checkFile(path);
        }
    }

    /// Takes a stale mount off and makes the file if it is missing.
    ///
    /// @throws IOException with what is wrong and what to do
    static MountPoint prepare(Path wanted) throws IOException {
        Path path = resolve(wanted);
        boolean wasStale = false;
        while (isStale(path)) {
            LOG.warn("{}: a mount whose server is gone was left here; it is taken off", path);
            wasStale = true;
            // A loop device or a filesystem on it can only give errors now. Its file is known by
            // its path as long as the mount is there.
            Mounts.takeAway(path);
            FuseMounter.detach(path);
            if (isStale(path)) {
                throw new IOException(
                        "%s: a mount whose server is gone cannot be taken off; as root: umount -l %s"
                                .formatted(path, path));
            }
        }
        boolean made = checkFile(path) == null;
        if (made) {
            Files.createFile(
                    path,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString(FILE_PERMISSIONS)));
        }
        MountCalls.Stat stat = MountCalls.status(path.toString());
        if (stat.status() == null) {
            throw new IOException("%s: %s".formatted(path, Errno.meaning(stat.error())));
        }
        // An empty file below a mount of ours that crashed is the one that was made for it.
        return new MountPoint(path, stat.status(), made || wasStale);
    }

    /// Removes the file if it was made for the mount and is still what it was.
    void remove() {
        if (!ours) {
            return;
        }
        MountCalls.Status now = MountCalls.status(path.toString()).status();
        if (now == null || now.inode() != status.inode() || now.sizeBytes() != 0) {
            return;
        }
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            LOG.warn(
                    "{}: the empty file below the mount cannot be removed: {}", path, e.toString());
        }
    }

    /// The path without symbolic links in its folder, as the mount table shows it.
    private static Path resolve(Path wanted) throws IOException {
        Path absolute = wanted.toAbsolutePath().normalize();
        Path folder = absolute.getParent();
        if (folder == null) {
            throw new IOException(
                    absolute + ": is a directory; name a file in it: fuse:/srv/disk.img");
        }
        try {
            return folder.toRealPath().resolve(absolute.getFileName());
        } catch (NoSuchFileException e) {
            throw new IOException(
                    "%s: the directory %s does not exist; make it: mkdir -p %s"
                            .formatted(absolute, folder, folder));
        }
    }

    /// The file's status, or null if it is missing and can be made.
    private static MountCalls.Status checkFile(Path path) throws IOException {
        Optional<MountTable.Entry> mounted = MountTable.read().at(path);
        if (mounted.isPresent()) {
            throw new IOException(
                    "%s: %s is mounted there (%s); unmount it (umount %s) or choose another path"
                            .formatted(path, mounted.get().source(), mounted.get().type(), path));
        }
        MountCalls.Stat stat = MountCalls.status(path.toString());
        if (stat.error() == Errno.ENOENT) {
            checkFolder(path);
            return null;
        }
        if (stat.status() == null) {
            throw new IOException(
                    "%s: cannot be looked at: %s; choose another path"
                            .formatted(path, Errno.meaning(stat.error())));
        }
        if (stat.status().isFolder()) {
            throw new IOException(
                    "%s: is a directory; name a file in it: fuse:%s"
                            .formatted(path, path.resolve("disk.img")));
        }
        if (!stat.status().isRegularFile()) {
            throw new IOException(
                    "%s: is neither missing nor an empty regular file; choose another path"
                            .formatted(path));
        }
        if (stat.status().sizeBytes() != 0) {
            throw new IOException(
                    "%s: is a file with %d bytes, which the mount would hide; move it away or"
                                    .formatted(path, stat.status().sizeBytes())
                            + " choose another path");
        }
        return stat.status();
    }

    private static void checkFolder(Path path) throws IOException {
        Path folder = path.getParent();
        if (!Files.isDirectory(folder)) {
            throw new IOException(
                    "%s: %s is not a directory; choose another path".formatted(path, folder));
        }
        if (!Files.isWritable(folder)) {
            throw new IOException(
                    "%s: no file can be made in %s; make an empty one yourself, or let this user"
                                    .formatted(path, folder)
                            + " write there");
        }
    }

    /// Whether a FUSE mount is there whose server is gone.
    private static boolean isStale(Path path) throws IOException {
        Optional<MountTable.Entry> mounted = MountTable.read().at(path);
        if (mounted.isEmpty() || !mounted.get().isFuse()) {
            return false;
        }
        // A server that hangs would hold whoever asks.
        int[] error = {-1};
        Thread probe =
                Thread.ofPlatform()
                        .daemon()
                        .start(() -> error[0] = MountCalls.status(path.toString()).error());
        try {
            probe.join(PROBE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(path + ": interrupted", e);
        }
        if (probe.isAlive()) {
            throw new IOException(
                    "%s: a FUSE mount is there whose server does not answer; end that server, or"
                                    .formatted(path)
                            + " umount -l "
                            + path);
        }
        return error[0] == Errno.ENOTCONN || error[0] == Errno.ECONNABORTED;
    }
}

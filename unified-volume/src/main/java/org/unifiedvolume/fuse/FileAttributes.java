package org.unifiedvolume.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.time.Instant;
import org.unifiedvolume.linux.MountCalls;

/// Owner, permissions and times of the exported file; they live as long as the mount does.
///
/// Safe for concurrent use: immutable, but for the time of the last write.
final class FileAttributes {
    static final int BLOCK_BYTES = 4096;
    private static final int PERMISSIONS = 07777;
    private static final int NANOS_PER_SECOND = 1_000_000_000;

    private final int mode;
    private final int userId;
    private final int groupId;
    private final Instant accessed;
    private final Instant changed;
    private volatile Instant modified;

    /// @param permissions the lower twelve bits of the file's mode
    FileAttributes(int permissions, int userId, int groupId, Instant now) {
        this(permissions, userId, groupId, now, now, now);
    }

    private FileAttributes(
            int permissions,
            int userId,
            int groupId,
            Instant accessed,
            Instant modified,
            Instant changed) {
        this.mode = MountCalls.S_IFREG | (permissions & PERMISSIONS);
        this.userId = userId;
        this.groupId = groupId;
        this.accessed = accessed;
        this.modified = modified;
        this.changed = changed;
    }

    /// The attributes that the file has when it is mounted: those of the file below.
    static FileAttributes of(MountRequest request, VolumeFile file) {
        MountPoint point = request.point();
        int permissions = point.permissions();
        return new FileAttributes(
                file.isReadOnly() ? permissions & ~0222 : permissions,
                point.userId(),
                point.groupId(),
                Instant.now());
    }

    FileAttributes withPermissions(int permissions, Instant now) {
        return new FileAttributes(permissions, userId, groupId, accessed, modified, now);
    }

    FileAttributes withOwner(int newUserId, int newGroupId, Instant now) {
        return new FileAttributes(mode, newUserId, newGroupId, accessed, modified, now);
    }

    FileAttributes withTimes(Instant newAccessed, Instant newModified, Instant now) {
        return new FileAttributes(mode, userId, groupId, newAccessed, newModified, now);
    }

    void touch(Instant now) {
        modified = now;
    }

    int mode() {
        return mode;
    }

    int userId() {
        return userId;
    }

    int groupId() {
        return groupId;
    }

    Instant accessed() {
        return accessed;
    }

    Instant modified() {
        return modified;
    }

    Instant changed() {
        return changed;
    }

    /// Lays them out as `struct fuse_attr`, into zeroed memory.
    void encode(MemorySegment out, long sizeBytes) {
        Instant lastWrite = modified;
        out.set(JAVA_LONG, 0, Fuse.ROOT_ID); // ino
        out.set(JAVA_LONG, 8, sizeBytes);
        out.set(JAVA_LONG, 16, (sizeBytes + 511) / 512); // blocks of 512 bytes, always
        out.set(JAVA_LONG, 24, accessed.getEpochSecond());
        out.set(JAVA_LONG, 32, lastWrite.getEpochSecond());
        out.set(JAVA_LONG, 40, changed.getEpochSecond());
        out.set(JAVA_INT, 48, accessed.getNano());
        out.set(JAVA_INT, 52, lastWrite.getNano());
        out.set(JAVA_INT, 56, changed.getNano());
        out.set(JAVA_INT, 60, mode);
        out.set(JAVA_INT, 64, 1); // nlink
        out.set(JAVA_INT, 68, userId);
        out.set(JAVA_INT, 72, groupId);
        out.set(JAVA_INT, 80, BLOCK_BYTES); // blksize
    }

    /// A time as the kernel writes it; one that no clock shows becomes the nearest that does.
    static Instant time(long seconds, int nanos) {
        long second =
                Math.clamp(seconds, Instant.MIN.getEpochSecond(), Instant.MAX.getEpochSecond());
        return Instant.ofEpochSecond(second, Math.clamp(nanos, 0, NANOS_PER_SECOND - 1));
    }
}

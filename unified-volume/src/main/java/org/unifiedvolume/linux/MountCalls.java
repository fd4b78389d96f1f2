package org.unifiedvolume.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// Mounting, unmounting and what must be known for it: `mount(2)`, `umount2(2)`, `statx(2)`,
/// `geteuid(2)`.
///
/// Results are the kernel's: zero or more for success, a negative error number otherwise.
public final class MountCalls {
    public static final long MS_RDONLY = 1;
    public static final long MS_NOSUID = 2;
    public static final long MS_NODEV = 4;

    /// Detaches a mount at once; it ends when its last user does.
    public static final int MNT_DETACH = 2;

    /// The type bits of a file's mode.
    public static final int S_IFMT = 0xf000;

    public static final int S_IFDIR = 0x4000;
    public static final int S_IFREG = 0x8000;

    private static final int AT_FDCWD = -100;
    private static final int AT_SYMLINK_NOFOLLOW = 0x100;
    private static final int STATX_BASIC_STATS = 0x7ff;

    private static final MethodHandle MOUNT =
            Native.bind("mount", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle UMOUNT2 =
            Native.bind("umount2", JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle STATX =
            Native.bind("statx", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle GETEUID = Native.bind("geteuid", JAVA_INT);
    private static final MethodHandle GETEGID = Native.bind("getegid", JAVA_INT);

    private MountCalls() {}

    /// What `statx(2)` says about a file.
    ///
    /// @param mode type and permission bits
    public record Status(int mode, int userId, int groupId, long inode, long sizeBytes) {
        public boolean isRegularFile() {
            return (mode & S_IFMT) == S_IFREG;
        }

        public boolean isFolder() {
            return (mode & S_IFMT) == S_IFDIR;
        }
    }

    /// Either a status or the reason why there is none.
    ///
    /// @param status null if the call failed
    /// @param error zero, or the positive error number
    public record Stat(Status status, int error) {}

    /// Attaches a filesystem.
    ///
    /// @param source what `/proc/self/mountinfo` shows as the device
    /// @param data the filesystem's own options, separated by commas
    public static int mount(String source, String path, String type, long flags, String data) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Native.state();
            return Native.result(
                    (int)
                            MOUNT.invokeExact(
                                    state,
                                    arena.allocateFrom(source).address(),
                                    arena.allocateFrom(path).address(),
                                    arena.allocateFrom(type).address(),
                                    flags,
                                    arena.allocateFrom(data).address()),
                    state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Detaches the topmost filesystem at a path.
    ///
    /// @param flags 0 or [#MNT_DETACH]
    public static int unmount(String path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Native.state();
            return Native.result(
                    (int) UMOUNT2.invokeExact(state, arena.allocateFrom(path).address(), flags),
                    state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Asks for a file's status; a symbolic link is not followed. Waits for the server of a network
    /// or FUSE filesystem, so it is no call for a loop.
    public static Stat status(String path) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Native.state();
            MemorySegment statx = arena.allocate(256, 8);
            int result =
                    Native.result(
                            (int)
                                    STATX.invokeExact(
                                            state,
                                            AT_FDCWD,
                                            arena.allocateFrom(path).address(),
                                            AT_SYMLINK_NOFOLLOW,
                                            STATX_BASIC_STATS,
                                            statx.address()),
                            state);
            if (result < 0) {
                return new Stat(null, -result);
            }
            return new Stat(
                    new Status(
                            statx.get(JAVA_SHORT, 28) & 0xffff,
                            statx.get(JAVA_INT, 20),
                            statx.get(JAVA_INT, 24),
                            statx.get(JAVA_LONG, 32),
                            statx.get(JAVA_LONG, 40)),
                    0);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// The user whose rights the process has; 0 is root.
    public static int effectiveUserId() {
        try {
            return (int) GETEUID.invokeExact(Native.state());
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    public static int effectiveGroupId() {
        try {
            return (int) GETEGID.invokeExact(Native.state());
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }
}

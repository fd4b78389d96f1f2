package org.unifiedvolume.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;

/// Starts a program that hands a descriptor back over a socket: `socketpair(2)`, `posix_spawn(3)`,
/// `recvmsg(2)` with `SCM_RIGHTS`, `waitpid(2)`.
///
/// `ProcessBuilder` closes every descriptor but the first three in its children, so it cannot give
/// one a socket.
public final class SpawnCalls {
    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM_CLOEXEC = 0x80001;
    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;
    private static final int MSG_CMSG_CLOEXEC = 0x40000000;
    private static final int O_WRONLY_CREATE_TRUNCATE = 0x241;

    /// More than any C library's `posix_spawn_file_actions_t`.
    private static final int ACTIONS_BYTES = 256;

    private static final int CONTROL_BYTES = 64;

    private static final MethodHandle SOCKETPAIR =
            Native.bind("socketpair", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle RECVMSG =
            Native.bind("recvmsg", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle POSIX_SPAWN =
            Native.bind(
                    "posix_spawn",
                    JAVA_INT,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_LONG,
                    JAVA_LONG);
    private static final MethodHandle ACTIONS_INIT =
            Native.bind("posix_spawn_file_actions_init", JAVA_INT, JAVA_LONG);
    private static final MethodHandle ACTIONS_DESTROY =
            Native.bind("posix_spawn_file_actions_destroy", JAVA_INT, JAVA_LONG);
    private static final MethodHandle ADD_DUP2 =
            Native.bind(
                    "posix_spawn_file_actions_adddup2", JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT);
    private static final MethodHandle ADD_OPEN =
            Native.bind(
                    "posix_spawn_file_actions_addopen",
                    JAVA_INT,
                    JAVA_LONG,
                    JAVA_INT,
                    JAVA_LONG,
                    JAVA_INT,
                    JAVA_INT);
    private static final MethodHandle WAITPID =
            Native.bind("waitpid", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT);

    private SpawnCalls() {}

    /// The two ends of a connection.
    public record Pair(int ours, int theirs) {}

    /// A connected pair of stream sockets, or null if no descriptors are left.
    public static Pair socketPair() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Native.state();
            MemorySegment ends = arena.allocate(JAVA_INT, 2);
            int result =
                    Native.result(
                            (int)
                                    SOCKETPAIR.invokeExact(
                                            state, AF_UNIX, SOCK_STREAM_CLOEXEC, 0, ends.address()),
                            state);
            return result < 0
                    ? null
                    : new Pair(ends.getAtIndex(JAVA_INT, 0), ends.getAtIndex(JAVA_INT, 1));
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Starts a program that gets one of our descriptors as its standard input.
    ///
    /// @param environment `NAME=value`; all that the program gets
    /// @param standardInput the descriptor
    /// @param output the file that takes what it prints
    /// @return its process id, or a negative error number
    public static int spawn(
            String program,
            List<String> arguments,
            List<String> environment,
            int standardInput,
            String output) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Native.state();
            long actions = arena.allocate(ACTIONS_BYTES, 16).address();
            int error = (int) ACTIONS_INIT.invokeExact(state, actions);
            if (error != 0) {
                return -error;
            }
            try {
                int dup = (int) ADD_DUP2.invokeExact(state, actions, standardInput, 0);
                long file = arena.allocateFrom(output).address();
                int open =
                        (int)
                                ADD_OPEN.invokeExact(
                                        state, actions, 1, file, O_WRONLY_CREATE_TRUNCATE, 0600);
                int both = (int) ADD_DUP2.invokeExact(state, actions, 1, 2);
                if ((dup | open | both) != 0) {
                    return -Errno.ENOMEM;
                }
                MemorySegment pid = arena.allocate(JAVA_INT);
                error =
                        (int)
                                POSIX_SPAWN.invokeExact(
                                        state,
                                        pid.address(),
                                        arena.allocateFrom(program).address(),
                                        actions,
                                        0L,
                                        pointers(arena, arguments),
                                        pointers(arena, environment));
                return error != 0 ? -error : pid.get(JAVA_INT, 0);
            } finally {
                int ignored = (int) ACTIONS_DESTROY.invokeExact(state, actions);
            }
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// A null-terminated array of C strings.
    private static long pointers(Arena arena, List<String> texts) {
        MemorySegment array = arena.allocate(JAVA_LONG, texts.size() + 1L);
        for (int i = 0; i < texts.size(); i++) {
            array.setAtIndex(JAVA_LONG, i, arena.allocateFrom(texts.get(i)).address());
        }
        return array.address();
    }

    /// Waits for a descriptor that the peer sends along with one byte.
    ///
    /// @return the descriptor, `-ENODATA` if the peer closed the connection instead, or another
    ///     negative error number
    public static int receiveDescriptor(int socket) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Native.state();
            MemorySegment byteAndVector = arena.allocate(32, 8);
            byteAndVector.set(JAVA_LONG, 8, byteAndVector.address());
            byteAndVector.set(JAVA_LONG, 16, 1L);
            MemorySegment control = arena.allocate(CONTROL_BYTES, 8);
            // struct msghdr: name, namelen, iov, iovlen, control, controllen, flags
            MemorySegment message = arena.allocate(56, 8);
            message.set(JAVA_LONG, 16, byteAndVector.address() + 8);
            message.set(JAVA_LONG, 24, 1L);
            message.set(JAVA_LONG, 32, control.address());
            message.set(JAVA_LONG, 40, (long) CONTROL_BYTES);
            long count;
            do {
                count =
                        Native.result(
                                (long)
                                        RECVMSG.invokeExact(
                                                state, socket, message.address(), MSG_CMSG_CLOEXEC),
                                state);
            } while (count == -Errno.EINTR);
            if (count < 0) {
                return (int) count;
            }
            // struct cmsghdr: len (8 bytes), level, type, then the descriptor
            boolean carriesOne =
                    message.get(JAVA_LONG, 40) >= 20
                            && control.get(JAVA_LONG, 0) == 20
                            && control.get(JAVA_INT, 8) == SOL_SOCKET
                            && control.get(JAVA_INT, 12) == SCM_RIGHTS;
            return carriesOne ? control.get(JAVA_INT, 16) : -Errno.ENODATA;
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Waits until a program that was started here has ended.
    ///
    /// @return its exit status; 128 and more if a signal ended it; or a negative error number
    public static int awaitExit(int pid) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Native.state();
            MemorySegment status = arena.allocate(JAVA_INT);
            int result;
            do {
                result =
                        Native.result(
                                (int) WAITPID.invokeExact(state, pid, status.address(), 0), state);
            } while (result == -Errno.EINTR);
            if (result < 0) {
                return result;
            }
            int word = status.get(JAVA_INT, 0);
            int signal = word & 0x7f;
            return signal != 0 ? 128 + signal : word >> 8 & 0xff;
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }
}

package org.unifiedvolume.linux;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/// Non-blocking stream sockets over TCP (IPv4, IPv6) and Unix domain sockets.
///
/// Calls that set a socket up throw an `IOException` that names the address; the calls of the data
/// path are in [FileCalls] (`readv`, `writev`) and answer with error numbers.
public final class SocketCalls {
    private static final int AF_UNIX = 1;
    private static final int AF_INET = 2;
    private static final int AF_INET6 = 10;
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_NONBLOCK = 0x800;
    private static final int SOCK_CLOEXEC = 0x80000;
    private static final int SOL_SOCKET = 1;
    private static final int SO_REUSEADDR = 2;
    private static final int SO_ERROR = 4;
    private static final int SO_KEEPALIVE = 9;
    private static final int IPPROTO_TCP = 6;
    private static final int TCP_NODELAY = 1;
    private static final int TCP_USER_TIMEOUT = 18;
    private static final int SHUT_RDWR = 2;

    /// Room for any `struct sockaddr`: `sockaddr_un` is the largest with 110 bytes.
    private static final int ADDRESS_BYTES = 128;

    private static final int MAX_UNIX_PATH_BYTES = 107;

    private static final ValueLayout.OfShort NETWORK_SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private static final MethodHandle SOCKET =
            Native.bind("socket", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle BIND =
            Native.bind("bind", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MSG_MORE = 0x8000;

    private static final MethodHandle SEND =
            Native.bind("send", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
    private static final MethodHandle LISTEN = Native.bind("listen", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle ACCEPT4 =
            Native.bind("accept4", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
    private static final MethodHandle CONNECT =
            Native.bind("connect", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle SHUTDOWN =
            Native.bind("shutdown", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle GETSOCKOPT =
            Native.bind("getsockopt", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle SETSOCKOPT =
            Native.bind("setsockopt", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle GETSOCKNAME =
            Native.bind("getsockname", JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);

    private SocketCalls() {}

    /// One accepted connection.
    public record Accepted(int fd, SocketAddress peer) {}

    /// Opens a listening socket. A Unix path must not exist yet.
    ///
    /// @throws IOException naming the address and what is wrong with it
    public static int listen(SocketAddress address, int backlog) throws IOException {
        int fd = open(address);
        boolean kept = false;
        try (Arena arena = Arena.ofConfined()) {
            if (address instanceof InetSocketAddress) {
                setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
            }
            MemorySegment state = Native.state();
            MemorySegment encoded = encode(arena, address);
            check(
                    Native.result(
                            (int)
                                    BIND.invokeExact(
                                            state, fd, encoded.address(), (int) encoded.byteSize()),
                            state),
                    "listen on",
                    address);
            check(
                    Native.result((int) LISTEN.invokeExact(state, fd, backlog), state),
                    "listen on",
                    address);
            kept = true;
            return fd;
        } catch (IOException e) {
            throw e;
        } catch (Throwable e) {
            throw Native.broken(e);
        } finally {
            if (!kept) {
                FileCalls.close(fd);
            }
        }
    }

    /// Takes one waiting connection, or answers null if there is none.
    ///
    /// @throws IOException for errors of the listening socket, `EMFILE` among them
    public static Accepted accept(int listener) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Native.state();
            MemorySegment address = arena.allocate(ADDRESS_BYTES, 8);
            MemorySegment length = arena.allocateFrom(JAVA_INT, ADDRESS_BYTES);
            int fd =
                    Native.result(
                            (int)
                                    ACCEPT4.invokeExact(
                                            state,
                                            listener,
                                            address.address(),
                                            length.address(),
                                            SOCK_NONBLOCK | SOCK_CLOEXEC),
                            state);
            if (fd == -Errno.EAGAIN || fd == -Errno.ECONNABORTED || fd == -Errno.EINTR) {
                return null;
            }
            if (fd < 0) {
                throw new IOException("cannot accept a connection: " + Errno.meaning(fd));
            }
            return new Accepted(fd, decode(address));
        } catch (IOException e) {
            throw e;
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Starts to connect; the descriptor becomes writable when the outcome is known, and
    /// [#connectError] tells it.
    ///
    /// @throws IOException if it failed at once
    public static int connect(SocketAddress address) throws IOException {
        int fd = open(address);
        boolean kept = false;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Native.state();
            MemorySegment encoded = encode(arena, address);
            int result =
                    Native.result(
                            (int)
                                    CONNECT.invokeExact(
                                            state, fd, encoded.address(), (int) encoded.byteSize()),
                            state);
            if (result != -Errno.EINPROGRESS) {
                check(result, "connect to", address);
            }
            kept = true;
            return fd;
        } catch (IOException e) {
            throw e;
        } catch (Throwable e) {
            throw Native.broken(e);
        } finally {
            if (!kept) {
                FileCalls.close(fd);
            }
        }
    }

    /// How a [#connect] ended: zero, or a positive error number.
    public static int connectError(int fd) {
        return getOption(fd, SOL_SOCKET, SO_ERROR);
    }

    /// Sends small packets at once and notices a peer that vanished without a word.
    public static void tuneTcp(int fd, int userTimeoutMillis) {
        setOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
        if (userTimeoutMillis > 0) {
            setOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, userTimeoutMillis);
        }
    }

    /// Sends bytes from memory (`send(2)`).
    ///
    /// @param more whether more follows at once, so that no short packet need leave
    public static long send(int fd, long address, long lengthBytes, boolean more) {
        try {
            MemorySegment state = Native.state();
            return Native.result(
                    (long)
                            SEND.invokeExact(
                                    state,
                                    fd,
                                    address,
                                    lengthBytes,
                                    more ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL),
                    state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Ends both directions; a peer reads end of stream.
    public static int shutdown(int fd) {
        try {
            MemorySegment state = Native.state();
            return Native.result((int) SHUTDOWN.invokeExact(state, fd, SHUT_RDWR), state);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// The local address of a socket; its port was chosen by the kernel if 0 was asked for.
    public static SocketAddress localAddress(int fd) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Native.state();
            MemorySegment address = arena.allocate(ADDRESS_BYTES, 8);
            MemorySegment length = arena.allocateFrom(JAVA_INT, ADDRESS_BYTES);
            int result =
                    Native.result(
                            (int)
                                    GETSOCKNAME.invokeExact(
                                            state, fd, address.address(), length.address()),
                            state);
            if (result < 0) {
                throw new IOException("cannot tell a socket's address: " + Errno.meaning(result));
            }
            return decode(address);
        } catch (IOException e) {
            throw e;
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    private static int open(SocketAddress address) throws IOException {
        int family =
                switch (address) {
                    case UnixDomainSocketAddress _ -> AF_UNIX;
                    case InetSocketAddress inet when inet.isUnresolved() ->
                            throw new UnknownHostException(
                                    "the host name " + inet.getHostString() + " is not known");
                    case InetSocketAddress inet when inet.getAddress() instanceof Inet4Address ->
                            AF_INET;
                    default -> AF_INET6;
                };
        try {
            MemorySegment state = Native.state();
            int fd =
                    Native.result(
                            (int)
                                    SOCKET.invokeExact(
                                            state,
                                            family,
                                            SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                                            0),
                            state);
            check(fd, "open a socket for", address);
            return fd;
        } catch (IOException e) {
            throw e;
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    private static void check(int result, String deed, SocketAddress address) throws IOException {
        if (result < 0) {
            throw new IOException(
                    "cannot %s %s: %s".formatted(deed, name(address), Errno.meaning(result)));
        }
    }

    /// An address as users write it: `10.0.0.2:10809`, `[::1]:10809`, `/run/x`.
    public static String name(SocketAddress address) {
        if (address instanceof InetSocketAddress inet) {
            String host =
                    inet.isUnresolved() ? inet.getHostString() : inet.getAddress().getHostAddress();
            return (host.contains(":") ? "[" + host + "]" : host) + ":" + inet.getPort();
        }
        return address.toString();
    }

    private static MemorySegment encode(Arena arena, SocketAddress address) throws IOException {
        if (address instanceof UnixDomainSocketAddress unix) {
            byte[] path = unix.getPath().toString().getBytes(StandardCharsets.UTF_8);
            if (path.length > MAX_UNIX_PATH_BYTES) {
                throw new IOException(
                        "the socket path %s has %d bytes; the kernel takes at most %d"
                                .formatted(unix.getPath(), path.length, MAX_UNIX_PATH_BYTES));
            }
            MemorySegment encoded = arena.allocate(2 + path.length + 1, 8);
            encoded.set(JAVA_SHORT, 0, (short) AF_UNIX);
            MemorySegment.copy(path, 0, encoded, JAVA_BYTE, 2, path.length);
            return encoded;
        }
        InetSocketAddress inet = (InetSocketAddress) address;
        byte[] host = inet.getAddress().getAddress();
        MemorySegment encoded = arena.allocate(host.length == 4 ? 16 : 28, 8);
        encoded.set(JAVA_SHORT, 0, (short) (host.length == 4 ? AF_INET : AF_INET6));
        encoded.set(NETWORK_SHORT, 2, (short) inet.getPort());
        MemorySegment.copy(host, 0, encoded, JAVA_BYTE, host.length == 4 ? 4 : 8, host.length);
        if (inet.getAddress() instanceof java.net.Inet6Address six) {
            encoded.set(JAVA_INT, 24, six.getScopeId());
        }
        return encoded;
    }

    private static SocketAddress decode(MemorySegment address) throws IOException {
        int family = address.get(JAVA_SHORT, 0);
        if (family == AF_UNIX) {
            return UnixDomainSocketAddress.of(address.getString(2));
        }
        byte[] host = new byte[family == AF_INET ? 4 : 16];
        MemorySegment.copy(address, JAVA_BYTE, family == AF_INET ? 4 : 8, host, 0, host.length);
        int port = address.get(NETWORK_SHORT, 2) & 0xffff;
        return new InetSocketAddress(InetAddress.getByAddress(host), port);
    }

    private static int getOption(int fd, int level, int option) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Native.state();
            MemorySegment value = arena.allocate(JAVA_INT);
            MemorySegment length = arena.allocateFrom(JAVA_INT, 4);
            int result =
                    Native.result(
                            (int)
                                    GETSOCKOPT.invokeExact(
                                            state,
                                            fd,
                                            level,
                                            option,
                                            value.address(),
                                            length.address()),
                            state);
            return result < 0 ? result : value.get(JAVA_INT, 0);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }

    /// Options only tune; a kernel or a socket kind that lacks one still works without.
    private static void setOption(int fd, int level, int option, int value) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Native.state();
            MemorySegment encoded = arena.allocateFrom(JAVA_INT, value);
            int ignored =
                    (int) SETSOCKOPT.invokeExact(state, fd, level, option, encoded.address(), 4);
        } catch (Throwable e) {
            throw Native.broken(e);
        }
    }
}

package org.unifiedvolume.linux;

import static java.util.Map.entry;

import java.util.Map;

/// The error numbers of Linux that the product meets, with their names and meanings (`errno(3)`).
public final class Errno {
    public static final int EPERM = 1;
    public static final int ENOENT = 2;
    public static final int EINTR = 4;
    public static final int EIO = 5;
    public static final int ENXIO = 6;
    public static final int EBADF = 9;
    public static final int EAGAIN = 11;
    public static final int ENOMEM = 12;
    public static final int EACCES = 13;
    public static final int EFAULT = 14;
    public static final int EBUSY = 16;
    public static final int EEXIST = 17;
    public static final int ENODEV = 19;
    public static final int ENOTDIR = 20;
    public static final int EISDIR = 21;
    public static final int EINVAL = 22;
    public static final int EMFILE = 24;
    public static final int ETXTBSY = 26;
    public static final int EFBIG = 27;
    public static final int ENOSPC = 28;
    public static final int EROFS = 30;
    public static final int EPIPE = 32;
    public static final int ENOSYS = 38;
    public static final int ENODATA = 61;
    public static final int EOVERFLOW = 75;
    public static final int EOPNOTSUPP = 95;
    public static final int EADDRINUSE = 98;
    public static final int EADDRNOTAVAIL = 99;
    public static final int ENETUNREACH = 101;
    public static final int ECONNABORTED = 103;
    public static final int ECONNRESET = 104;
    public static final int ENOTCONN = 107;
    public static final int ESHUTDOWN = 108;
    public static final int ETIMEDOUT = 110;
    public static final int ECONNREFUSED = 111;
    public static final int EHOSTUNREACH = 113;
    public static final int EINPROGRESS = 115;

    private static final Map<Integer, String> MEANINGS =
            Map.ofEntries(
                    entry(EPERM, "EPERM, operation not permitted"),
                    entry(ENOENT, "ENOENT, no such file or directory"),
                    entry(EINTR, "EINTR, interrupted"),
                    entry(EIO, "EIO, input/output error"),
                    entry(ENXIO, "ENXIO, no such device or address"),
                    entry(EBADF, "EBADF, bad file descriptor"),
                    entry(EAGAIN, "EAGAIN, try again"),
                    entry(ENOMEM, "ENOMEM, out of memory"),
                    entry(EACCES, "EACCES, permission denied"),
                    entry(EFAULT, "EFAULT, bad address"),
                    entry(EBUSY, "EBUSY, device or resource busy"),
                    entry(EEXIST, "EEXIST, file exists"),
                    entry(ENODEV, "ENODEV, no such device"),
                    entry(ENOTDIR, "ENOTDIR, not a directory"),
                    entry(EISDIR, "EISDIR, is a directory"),
                    entry(EINVAL, "EINVAL, invalid argument"),
                    entry(EMFILE, "EMFILE, too many open files"),
                    entry(ETXTBSY, "ETXTBSY, text file busy"),
                    entry(EFBIG, "EFBIG, file too large"),
                    entry(ENOSPC, "ENOSPC, no space left on device"),
                    entry(EROFS, "EROFS, read-only file system"),
                    entry(EPIPE, "EPIPE, broken pipe"),
                    entry(ENOSYS, "ENOSYS, not implemented by this kernel"),
                    entry(ENODATA, "ENODATA, no data available"),
                    entry(EOVERFLOW, "EOVERFLOW, value too large"),
                    entry(EOPNOTSUPP, "EOPNOTSUPP, operation not supported"),
                    entry(EADDRINUSE, "EADDRINUSE, address already in use"),
                    entry(EADDRNOTAVAIL, "EADDRNOTAVAIL, no such address on this host"),
                    entry(ENETUNREACH, "ENETUNREACH, network unreachable"),
                    entry(ECONNABORTED, "ECONNABORTED, connection aborted"),
                    entry(ECONNRESET, "ECONNRESET, connection reset by peer"),
                    entry(ENOTCONN, "ENOTCONN, not connected"),
                    entry(ESHUTDOWN, "ESHUTDOWN, connection shut down"),
                    entry(ETIMEDOUT, "ETIMEDOUT, timed out"),
                    entry(ECONNREFUSED, "ECONNREFUSED, connection refused"),
                    entry(EHOSTUNREACH, "EHOSTUNREACH, no route to host"),
                    entry(EINPROGRESS, "EINPROGRESS, in progress"));

    private Errno() {}

    /// The name and meaning of an error number, for messages: `ENOSPC, no space left on device`.
    ///
    /// @param error a positive error number, or the negative result of a call
    public static String meaning(long error) {
        int number = (int) Math.abs(error);
        return MEANINGS.getOrDefault(number, "errno " + number);
    }
}

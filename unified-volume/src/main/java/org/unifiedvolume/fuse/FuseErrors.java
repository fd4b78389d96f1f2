package org.unifiedvolume.fuse;

import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.request.DeviceFault;

/// The one place where device faults become the error numbers that a file's users see.
final class FuseErrors {
    private FuseErrors() {}

    /// The positive error number for a fault.
    static int of(DeviceFault.Kind kind) {
        return switch (kind) {
            case IO, TIMED_OUT, DISCONNECTED -> Errno.EIO;
            case NO_SPACE -> Errno.ENOSPC;
            case NOT_SUPPORTED -> Errno.EOPNOTSUPP;
            case BAD_RANGE -> Errno.EINVAL;
            case READ_ONLY -> Errno.EROFS;
            case NO_MEMORY -> Errno.ENOMEM;
            case STOPPING -> Errno.ESHUTDOWN;
        };
    }
}

package org.unifiedvolume.request;

/// A disk, a network or a quota failed a request; the code and the caller did nothing wrong.
///
/// Each protocol maps the kinds to its own status in one class. The message says what failed and
/// where, so it carries no stack trace.
public final class DeviceFault extends Exception {
    /// What went wrong, in the terms that every protocol has a status for.
    public enum Kind {
        /// The medium failed (`EIO`).
        IO,
        /// No space is left below (`ENOSPC`).
        NO_SPACE,
        /// The device cannot do this (`EOPNOTSUPP`).
        NOT_SUPPORTED,
        /// The range is outside the device or off its block grid (`EINVAL`).
        BAD_RANGE,
        /// The device may not be written (`EPERM`, `EROFS`).
        READ_ONLY,
        /// No answer within the deadline.
        TIMED_OUT,
        /// The member cannot be reached.
        DISCONNECTED,
        /// The buffer pool is spent (`ENOMEM`).
        NO_MEMORY,
        /// The volume is being stopped (`ESHUTDOWN`).
        STOPPING
    }

    private final Kind kind;

    public DeviceFault(Kind kind, String message) {
        super(message, null, false, false);
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }

    /// The same fault with the place where it happened put before it.
    public DeviceFault within(String place) {
        return new DeviceFault(kind, place + ": " + getMessage());
    }
}

package org.unifiedvolume.targets.nbd.wire;

import org.unifiedvolume.request.DeviceFault;

/// The error numbers of the transmission phase (section "Error values"), and the one place where
/// they and device faults are turned into one another.
public enum NbdError {
    EPERM(1, DeviceFault.Kind.READ_ONLY, "operation not permitted"),
    EIO(5, DeviceFault.Kind.IO, "input/output error"),
    ENOMEM(12, DeviceFault.Kind.NO_MEMORY, "cannot allocate memory"),
    EINVAL(22, DeviceFault.Kind.BAD_RANGE, "invalid argument"),
    ENOSPC(28, DeviceFault.Kind.NO_SPACE, "no space left on device"),
    EOVERFLOW(75, DeviceFault.Kind.BAD_RANGE, "value too large"),
    ENOTSUP(95, DeviceFault.Kind.NOT_SUPPORTED, "operation not supported"),
    ESHUTDOWN(108, DeviceFault.Kind.STOPPING, "server is in the process of being shut down");

    private final int number;
    private final DeviceFault.Kind kind;
    private final String meaning;

    NbdError(int number, DeviceFault.Kind kind, String meaning) {
        this.number = number;
        this.kind = kind;
        this.meaning = meaning;
    }

    public int number() {
        return number;
    }

    /// The fault that a device reports when its server answers this.
    public DeviceFault.Kind kind() {
        return kind;
    }

    public String meaning() {
        return meaning;
    }

    /// What to answer for a fault.
    public static NbdError of(DeviceFault.Kind kind) {
        return switch (kind) {
            case IO, TIMED_OUT, DISCONNECTED -> EIO;
            case NO_SPACE -> ENOSPC;
            case NOT_SUPPORTED -> ENOTSUP;
            case BAD_RANGE -> EINVAL;
            case READ_ONLY -> EPERM;
            case NO_MEMORY -> ENOMEM;
            case STOPPING -> ESHUTDOWN;
        };
    }

    /// The error with a number; one that the standard does not name counts as [#EINVAL], as it
    /// demands.
    public static NbdError ofNumber(int number) {
        for (NbdError error : values()) {
            if (error.number == number) {
                return error;
            }
        }
        return EINVAL;
    }
}

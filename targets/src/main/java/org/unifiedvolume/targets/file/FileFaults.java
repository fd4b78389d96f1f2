package org.unifiedvolume.targets.file;

import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;

/// Maps error numbers of local I/O to faults that name the file, the operation and the place.
final class FileFaults {
    private static final int EDQUOT = 122;

    private FileFaults() {}

    static DeviceFault of(String member, IoRequest request, long error) {
        DeviceFault.Kind kind =
                switch ((int) Math.abs(error)) {
                    case Errno.ENOSPC, EDQUOT -> DeviceFault.Kind.NO_SPACE;
                    case Errno.EOPNOTSUPP, Errno.ENOSYS -> DeviceFault.Kind.NOT_SUPPORTED;
                    case Errno.EROFS, Errno.EPERM -> DeviceFault.Kind.READ_ONLY;
                    case Errno.ENOMEM -> DeviceFault.Kind.NO_MEMORY;
                    default -> DeviceFault.Kind.IO;
                };
        return new DeviceFault(
                kind, "%s: %s: %s".formatted(member, describe(request), Errno.meaning(error)));
    }

    /// The file ended before the range did: somebody cut it while it was open.
    static DeviceFault truncated(String member, IoRequest request, long sizeBytes) {
        return new DeviceFault(
                DeviceFault.Kind.IO,
                "%s: %s: the file ends before it; it had %d bytes when it was opened and was cut"
                        .formatted(member, describe(request), sizeBytes));
    }

    static String describe(IoRequest request) {
        return "%s at offset %d, %d bytes"
                .formatted(request.tag().operation(), request.offsetBytes(), request.lengthBytes());
    }
}

package org.unifiedvolume.targets.file;

import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.FileCalls;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Discard;
import org.unifiedvolume.request.IoRequest.Locate;
import org.unifiedvolume.request.IoRequest.Zero;
import org.unifiedvolume.request.Outcome;

/// The space behind a file: zeroing and giving back ranges, and which of them hold data.
final class FileSpace {
    /// Up to here a change of space costs no more than a write.
    static final long SHORT_BYTES = 1 << 20;

    private static final int PUNCH = FileCalls.FALLOC_FL_PUNCH_HOLE | FileCalls.FALLOC_FL_KEEP_SIZE;
    private static final int ZERO_RANGE =
            FileCalls.FALLOC_FL_ZERO_RANGE | FileCalls.FALLOC_FL_KEEP_SIZE;

    private final String member;
    private final OpenFile file;
    private final AllocationMap map = new AllocationMap();

    FileSpace(String member, OpenFile file) {
        this.member = member;
        this.file = file;
    }

    AllocationMap map() {
        return map;
    }

    /// Zeroes a range: by a hole if space may be given back, by `ZERO_RANGE` if not, and with bytes
    /// where the filesystem knows neither.
    Outcome zero(Zero zero, FileTransfers transfers) {
        long result =
                FileCalls.fallocate(
                        file.fd(),
                        zero.mayUnmap() ? PUNCH : ZERO_RANGE,
                        zero.offsetBytes(),
                        zero.lengthBytes());
        if (result == -Errno.EOPNOTSUPP && zero.mayUnmap()) {
            result =
                    FileCalls.fallocate(
                            file.fd(), ZERO_RANGE, zero.offsetBytes(), zero.lengthBytes());
        }
        if (result == -Errno.EOPNOTSUPP && !zero.fastOnly()) {
            result = transfers.writeZeroes(zero.offsetBytes(), zero.lengthBytes());
        }
        return changed(zero, result);
    }

    /// Gives a range back. A filesystem that cannot do so keeps the bytes, which a discard allows.
    Outcome discard(Discard discard) {
        long result =
                FileCalls.fallocate(file.fd(), PUNCH, discard.offsetBytes(), discard.lengthBytes());
        return changed(discard, result == -Errno.EOPNOTSUPP ? 0 : result);
    }

    private Outcome changed(IoRequest request, long result) {
        map.changed(request.offsetBytes(), request.lengthBytes());
        return result < 0
                ? new Outcome.Failed(FileFaults.of(member, request, result))
                : Outcome.Done.DONE;
    }

    Outcome locate(Locate locate, int maxExtents) {
        try {
            return new Outcome.Located(
                    map.locate(locate.offsetBytes(), locate.lengthBytes(), maxExtents, this::walk));
        } catch (WalkFailed e) {
            return Outcome.failed(DeviceFault.Kind.IO, e.getMessage());
        }
    }

    private static final class WalkFailed extends RuntimeException {
        WalkFailed(String message) {
            super(message, null, false, false);
        }
    }

    /// Asks the filesystem what lies at an offset and how far that goes. Block devices hold data
    /// throughout.
    private Extent walk(long offset) {
        long size = file.sizeBytes();
        if (file.isDevice()) {
            return new Extent(size - offset, Extent.Kind.DATA);
        }
        long data = FileCalls.lseek(file.fd(), offset, FileCalls.SEEK_DATA);
        if (data == -Errno.ENXIO) {
            return new Extent(size - offset, Extent.Kind.HOLE);
        }
        if (data == -Errno.EINVAL || data == -Errno.EOPNOTSUPP) {
            return new Extent(size - offset, Extent.Kind.DATA);
        }
        if (data < 0) {
            throw new WalkFailed(
                    "%s: looking for data at offset %d: %s"
                            .formatted(member, offset, Errno.meaning(data)));
        }
        if (data > offset) {
            return new Extent(Math.min(data, size) - offset, Extent.Kind.HOLE);
        }
        long hole = FileCalls.lseek(file.fd(), offset, FileCalls.SEEK_HOLE);
        if (hole < 0) {
            throw new WalkFailed(
                    "%s: looking for a hole at offset %d: %s"
                            .formatted(member, offset, Errno.meaning(hole)));
        }
        // A file that was cut ends early; what lies behind its end is none of ours to promise.
        return new Extent(Math.clamp(hole, offset + 1, size) - offset, Extent.Kind.DATA);
    }
}

package org.unifiedvolume.fuse;

import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.FileCalls;

/// What a call of `fallocate(2)` means for a file whose size is fixed and whose space is the
/// volume's.
///
/// @param lengthBytes how much of the range lies within the file
/// @param error why it is refused; 0 if it is not
record Allocation(Deed deed, long lengthBytes, int error) {
    /// What is to be done.
    enum Deed {
        REFUSE,
        /// The space is there already.
        NOTHING,
        /// Zero the range and give its space back.
        PUNCH,
        /// Zero the range and keep its space.
        ZERO
    }

    static Allocation of(VolumeFile file, int mode, long offsetBytes, long lengthBytes) {
        boolean keepsSize = (mode & FileCalls.FALLOC_FL_KEEP_SIZE) != 0;
        int kind = mode & ~FileCalls.FALLOC_FL_KEEP_SIZE;
        long within = file.within(offsetBytes, lengthBytes);
        if (within < 0) {
            return refusal(Errno.EINVAL);
        }
        if (file.isReadOnly()) {
            return refusal(Errno.EROFS);
        }
        if (within < lengthBytes && !keepsSize) {
            return refusal(Errno.ENOSPC); // the file cannot grow
        }
        Deed deed =
                switch (kind) {
                    case 0 -> Deed.NOTHING;
                    case FileCalls.FALLOC_FL_PUNCH_HOLE -> Deed.PUNCH;
                    case FileCalls.FALLOC_FL_ZERO_RANGE -> Deed.ZERO;
                    default -> null; // collapse, insert, unshare
                };
        if (deed == null) {
            return refusal(Errno.EOPNOTSUPP);
        }
        return new Allocation(within == 0 ? Deed.NOTHING : deed, within, 0);
    }

    private static Allocation refusal(int error) {
        return new Allocation(Deed.REFUSE, 0, error);
    }
}

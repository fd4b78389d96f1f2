package org.unifiedvolume.targets.file;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.unifiedvolume.linux.IoVector;

/// A stretch of zeroes to write from, named many times in one gather call.
final class ZeroPage {
    private static final int PAGE_BYTES = 64 * 1024;
    private static final MemorySegment ZEROES = Arena.global().allocate(PAGE_BYTES, 4096);

    /// What one call can take: 4 MiB.
    static final long TOTAL_BYTES = 64L * PAGE_BYTES;

    private ZeroPage() {}

    static void addTo(IoVector vector, long lengthBytes) {
        for (long left = lengthBytes; left > 0; left -= PAGE_BYTES) {
            vector.add(ZEROES.address(), Math.min(left, PAGE_BYTES));
        }
    }
}

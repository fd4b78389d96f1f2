package org.unifiedvolume.raid.parity;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Objects;
import org.unifiedvolume.buffer.Slice;

/// Where the bytes of one chunk of a stripe begin in memory; how many take part is said beside it.
///
/// @param memory outside the heap, for speed
/// @param offsetBytes of any alignment
public record Strip(MemorySegment memory, long offsetBytes) {
    /// The memory of a payload's slice from `skip` bytes on.
    static Strip of(Slice slice, long skip) {
        return new Strip(slice.block().memory(), slice.offset() + skip);
    }

    /// Those that are not missing.
    static Strip[] present(Strip[] strips) {
        return Arrays.stream(strips).anyMatch(Objects::isNull)
                ? Arrays.stream(strips).filter(Objects::nonNull).toArray(Strip[]::new)
                : strips;
    }

    int byteAt(long index) {
        return memory.get(ValueLayout.JAVA_BYTE, offsetBytes + index) & 0xff;
    }

    void setByte(long index, int value) {
        memory.set(ValueLayout.JAVA_BYTE, offsetBytes + index, (byte) value);
    }
}

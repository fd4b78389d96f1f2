package org.unifiedvolume.loop;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// The eight bytes that are written to an `eventfd(2)` to wake a loop, and room to read them into.
final class WakeWord {
    private static final MemorySegment WORDS = Arena.global().allocate(JAVA_LONG, 2);

    static final long ADDRESS = WORDS.address();
    static final long SINK = WORDS.address() + Long.BYTES;

    static {
        WORDS.set(JAVA_LONG, 0, 1L);
    }

    private WakeWord() {}
}

package org.unifiedvolume.transport;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.WeakHashMap;
import org.unifiedvolume.linux.IoVector;
import org.unifiedvolume.loop.EventLoop;

/// The scatter and gather vectors that all streams of one loop share: a loop makes one call at a
/// time.
final class LoopVectors {
    private static final Map<EventLoop, LoopVectors> BY_LOOP = new WeakHashMap<>();

    final IoVector receive = new IoVector(IoVector.MAX_ENTRIES);
    final IoVector send = new IoVector(IoVector.MAX_ENTRIES);

    /// Where `sendfile(2)` finds its offset.
    final MemorySegment fileOffset = Arena.ofAuto().allocate(ValueLayout.JAVA_LONG);

    static LoopVectors of(EventLoop loop) {
        synchronized (BY_LOOP) {
            return BY_LOOP.computeIfAbsent(loop, _ -> new LoopVectors());
        }
    }
}

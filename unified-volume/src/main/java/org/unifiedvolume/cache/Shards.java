package org.unifiedvolume.cache;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.unifiedvolume.buffer.Slice;

/// Spreads the device over shards, so that requests for different regions seldom meet at a lock:
/// region 0 is in shard 0, region 1 in shard 1, and so on around.
final class Shards {
    /// A region is never cut within a shard, and no segment crosses its end.
    static final long REGION_BYTES = 1 << 20;

    private static final int COUNT = 64;

    private final List<Shard> shards = new ArrayList<>();

    Shards(Supplier<Shard> shard) {
        for (int i = 0; i < COUNT; i++) {
            shards.add(shard.get());
        }
    }

    Shard at(long offsetBytes) {
        return shards.get((int) (offsetBytes / REGION_BYTES) & (COUNT - 1));
    }

    /// Where the region of an offset ends.
    static long regionEnd(long offsetBytes) {
        return (offsetBytes / REGION_BYTES + 1) * REGION_BYTES;
    }

    /// The shards that a range touches, each once.
    List<Shard> touchedBy(long from, long to) {
        long first = from / REGION_BYTES;
        long last = (to - 1) / REGION_BYTES;
        if (first == last) {
            return List.of(shards.get((int) first & (COUNT - 1)));
        }
        if (last - first + 1 >= COUNT) {
            return shards;
        }
        List<Shard> touched = new ArrayList<>();
        for (long region = first; region <= last; region++) {
            touched.add(shards.get((int) region & (COUNT - 1)));
        }
        return touched;
    }

    /// Cuts a slice where regions end, into segments with references of their own.
    static void cut(long startBytes, Slice slice, boolean unread, List<Segment> segments) {
        long at = startBytes;
        long end = startBytes + slice.length();
        while (at < end) {
            long until = Math.min(end, regionEnd(at));
            Slice part = slice.part(at - startBytes, until - at);
            part.retain();
            segments.add(new Segment(at, part, unread));
            at = until;
        }
    }

    List<Shard> all() {
        return shards;
    }
}

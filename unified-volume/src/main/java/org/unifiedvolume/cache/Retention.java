package org.unifiedvolume.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Policy;
import com.github.benmanes.caffeine.cache.RemovalCause;
import java.util.ArrayDeque;
import java.util.concurrent.locks.ReentrantLock;
import org.unifiedvolume.buffer.BufferPool;

/// Decides which segments stay, within the capacity.
///
/// What clients have read is ranked by Caffeine, whose policy keeps what is read often from being
/// washed out by one long scan. What was fetched ahead would lose against that before anybody came
/// for it, so until it has been read to its end it stands in a queue of its own, a part of the
/// capacity.
///
/// Never called with a shard's lock held: evicting takes such locks.
final class Retention implements BufferPool.Reclaimer {
    /// Asks a segment to leave its shard.
    interface Evictor {
        /// Takes it out, if it is still there.
        ///
        /// @param onlyUnread whether it stays if somebody has read it meanwhile
        void evict(Segment segment, boolean onlyUnread);
    }

    private final Cache<Segment, Segment> ranked;
    private final Policy.Eviction<Segment, Segment> limit;
    private final long rankedLimitBytes;
    private final Evictor evictor;

    private final ReentrantLock aheadLock = new ReentrantLock();
    private final ArrayDeque<Segment> ahead = new ArrayDeque<>();
    private final long aheadLimitBytes;
    private long aheadBytes;

    private final ReentrantLock reclaimLock = new ReentrantLock();

    Retention(CacheOptions options, Evictor evictor) {
        this.evictor = evictor;
        aheadLimitBytes = options.aheadLimitBytes();
        rankedLimitBytes = options.capacityBytes() - aheadLimitBytes;
        ranked =
                Caffeine.newBuilder()
                        .maximumWeight(rankedLimitBytes)
                        .weigher((Segment segment, Segment _) -> segment.weightBytes())
                        .executor(Runnable::run)
                        .evictionListener(
                                (Segment segment, Segment _, RemovalCause _) ->
                                        evictor.evict(segment, false))
                        .build();
        limit = ranked.policy().eviction().orElseThrow();
    }

    /// A segment has come into its shard.
    void add(Segment segment, boolean fetchedAhead) {
        if (fetchedAhead) {
            addAhead(segment);
        } else {
            ranked.put(segment, segment);
        }
    }

    private void addAhead(Segment segment) {
        aheadLock.lock();
        try {
            ahead.add(segment);
            aheadBytes += segment.weightBytes();
        } finally {
            aheadLock.unlock();
        }
        shortenAhead(aheadLimitBytes);
    }

    /// Lets the oldest go that were fetched in vain.
    ///
    /// @return whether there was one
    private boolean shortenAhead(long toBytes) {
        boolean any = false;
        while (true) {
            Segment oldest;
            aheadLock.lock();
            try {
                if (aheadBytes <= toBytes || ahead.isEmpty()) {
                    return any;
                }
                oldest = ahead.remove();
                aheadBytes -= oldest.weightBytes();
            } finally {
                aheadLock.unlock();
            }
            any = true;
            evictor.evict(oldest, true);
        }
    }

    /// A segment was read again.
    void touched(Segment segment) {
        Segment _ = ranked.getIfPresent(segment);
    }

    /// A segment that was fetched ahead has been read to its end.
    void readThrough(Segment segment) {
        ranked.put(segment, segment);
    }

    /// A segment has left its shard.
    void removed(Segment segment) {
        ranked.invalidate(segment);
    }

    @Override
    public boolean reclaim(long bytes) {
        if (shortenAhead(0)) {
            return true;
        }
        reclaimLock.lock();
        try {
            long held = limit.weightedSize().orElse(0);
            limit.setMaximum(Math.max(0, held - bytes));
            ranked.cleanUp();
            limit.setMaximum(rankedLimitBytes);
            return held > 0;
        } finally {
            reclaimLock.unlock();
        }
    }

    void close() {
        aheadLock.lock();
        try {
            ahead.clear();
            aheadBytes = 0;
        } finally {
            aheadLock.unlock();
        }
        ranked.invalidateAll();
        ranked.cleanUp();
    }
}

package org.unifiedvolume.raid.bitmap;

import java.util.concurrent.atomic.AtomicIntegerArray;
import org.unifiedvolume.Invariant;

/// A word for each region: how many changes are under way there, whether its bit is durable,
/// whether a change came since the last look.
///
/// Safe for concurrent callers, without locks: each method is one atomic step.
final class RegionStates {
    private static final int DURABLE = 1 << 30;
    private static final int USED = 1 << 29;
    private static final int COUNT = USED - 1;

    private final AtomicIntegerArray words;

    RegionStates(int regionCount) {
        this.words = new AtomicIntegerArray(regionCount);
    }

    /// Counts a change if the bit of its region is durable.
    ///
    /// @return whether it is
    boolean enterIfDurable(int region) {
        while (true) {
            int word = words.getOpaque(region);
            if ((word & DURABLE) == 0) {
                return false;
            }
            if (words.compareAndSet(region, word, (word | USED) + 1)) {
                return true;
            }
        }
    }

    /// Counts a change.
    ///
    /// @return whether the bit of its region is durable
    boolean enter(int region) {
        int before = words.getAndUpdate(region, word -> (word | USED) + 1);
        return (before & DURABLE) != 0;
    }

    /// A change that was counted has ended.
    void leave(int region) {
        int before = words.getAndAdd(region, -1);
        Invariant.check((before & COUNT) > 0, "region %d was left more often than entered", region);
    }

    /// The bit of the region is on disk.
    void makeDurable(int region) {
        words.getAndUpdate(region, word -> word | DURABLE);
    }

    /// Whether no change is under way and none came since the last [#watch].
    boolean isIdle(int region) {
        return (words.get(region) & (COUNT | USED)) == 0;
    }

    /// From now on it is seen whether a change comes.
    void watch(int region) {
        words.getAndUpdate(region, word -> word & ~USED);
    }

    /// Makes the next change wait until the bit is durable anew, if the region is idle.
    ///
    /// @return whether it is
    boolean forgetIfIdle(int region) {
        return forgetIfNone(region, COUNT | USED);
    }

    /// As [#forgetIfIdle], but changes that have ended do not matter.
    boolean forgetIfUnused(int region) {
        return forgetIfNone(region, COUNT);
    }

    private boolean forgetIfNone(int region, int hindrances) {
        while (true) {
            int word = words.get(region);
            if ((word & hindrances) != 0) {
                return false;
            }
            if (words.compareAndSet(region, word, 0)) {
                return true;
            }
        }
    }
}

package org.unifiedvolume.raid.redundant;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.unifiedvolume.raid.superblock.Epoch;

/// Counts the states of an array, and tells the stretches of its life apart. Guarded by the lock of
/// [Legs].
///
/// An epoch begins with each start without a complete set, and whenever a complete member is lost:
/// within an epoch none is.
final class Epochs {
    private static final int MAX_HISTORY = 32;

    private long all;
    private final LongSupplier randomIds;
    private final List<Epoch> history;
    private Epoch epoch;
    private long events;
    private long clearedEvents;
    private long completeBefore;
    private boolean memberLeft;

    /// @param randomIds for new epochs
    Epochs(ArrayState start, LongSupplier randomIds) {
        this.all = (1L << start.legs().size()) - 1;
        this.randomIds = randomIds;
        this.history = new ArrayList<>(start.history());
        this.epoch = start.epoch();
        this.events = start.events();
        this.clearedEvents = start.clearedEvents();
        // A leg that is not complete now may have a superblock that says it is, written in the
        // moment in which the last run ended: a start without it is always a new epoch.
        this.completeBefore = all;
    }

    /// There are so many roles from now on.
    void setRoles(int count) {
        all = (1L << count) - 1;
    }

    /// A member that was complete, or may have been, is none with the next state.
    void memberLeft() {
        memberLeft = true;
    }

    /// The next state.
    ///
    /// @param complete the roles whose legs are complete in it
    /// @param lagging those whose legs lack only what is marked in the bitmap and will be cleared
    ///     when they have it
    void next(long complete, long lagging) {
        events++;
        if ((completeBefore & ~complete) != 0 || memberLeft) {
            memberLeft = false;
            history.addFirst(epoch);
            if (history.size() > MAX_HISTORY) {
                history.removeLast();
            }
            epoch = new Epoch(epoch.number() + 1, randomIds.getAsLong());
        }
        completeBefore = complete;
        if ((complete | lagging) == all) {
            clearedEvents = events;
        }
    }

    /// What is written from now on counts as newer than that.
    void raise(long toAtLeast) {
        events = Math.max(events, toAtLeast);
    }

    /// Whether an epoch is the present one or among those before it.
    boolean hasLived(Epoch other) {
        return epoch.equals(other) || history.contains(other);
    }

    Epoch epoch() {
        return epoch;
    }

    /// Those before the present one, the latest first.
    List<Epoch> history() {
        return history;
    }

    /// How many states there were.
    long events() {
        return events;
    }

    /// The last one in which bits of the bitmap may have been cleared.
    long clearedEvents() {
        return clearedEvents;
    }
}

package org.unifiedvolume.raid.stripe;

import java.util.Arrays;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.raid.redundant.Roles;
import org.unifiedvolume.request.Locality;

/// Which legs can hold the ring of a journal, and which ones shall. Guarded by the journal's lock.
final class JournalHolders {
    private volatile JournalPlace[] places;
    private final int parityCount;

    /// @param places by role; null where it is not known
    /// @param parityCount how many legs the array can lose
    JournalHolders(JournalPlace[] places, int parityCount) {
        this.places = places.clone();
        this.parityCount = parityCount;
    }

    /// By role; null where it is not known. A picture.
    JournalPlace[] places() {
        return places;
    }

    void setPlace(int role, JournalPlace place) {
        JournalPlace[] changed = places.clone();
        changed[role] = place;
        places = changed;
    }

    /// There are more roles.
    void widen(JournalPlace[] more) {
        JournalPlace[] all = Arrays.copyOf(places, places.length + more.length);
        System.arraycopy(more, 0, all, places.length, more.length);
        places = all;
    }

    /// How much room the smallest place has.
    long shortest() {
        long shortest = Long.MAX_VALUE;
        for (JournalPlace place : places) {
            if (place != null) {
                shortest = Math.min(shortest, place.length());
            }
        }
        return shortest;
    }

    static long writable(Roles roles) {
        long found = 0;
        for (Leg leg : roles.writable()) {
            found |= leg.bit();
        }
        return found;
    }

    /// The legs that can hold the ring. One that is being rebuilt can: what it holds of the ring is
    /// whole, whatever it lacks of the data.
    private long placed(Roles now) {
        long found = 0;
        for (int role = 0; role < places.length; role++) {
            found |= places[role] != null && now.isWritable(role) ? 1L << role : 0;
        }
        return found;
    }

    /// How many legs have to hold the ring: one more than the array can lose.
    int needed(Roles now) {
        return Math.min(parityCount + 1, Long.bitCount(placed(now)));
    }

    /// The present holders as far as they are good, then complete local legs, then complete ones,
    /// then others.
    long among(Roles now, long present) {
        long candidates = placed(now);
        long local = 0;
        for (int role = 0; role < places.length; role++) {
            if (now.isComplete(role) && now.leg(role).locality() == Locality.LOCAL) {
                local |= 1L << role;
            }
        }
        int needed = needed(now);
        long found = take(0, present & candidates, needed);
        found = take(found, candidates & local, needed);
        found = take(found, candidates & now.complete(), needed);
        return take(found, candidates, needed);
    }

    private static long take(long found, long candidates, int needed) {
        long all = found;
        for (int role = 0; role < Long.SIZE && Long.bitCount(all) < needed; role++) {
            all |= candidates & (1L << role);
        }
        return all;
    }
}

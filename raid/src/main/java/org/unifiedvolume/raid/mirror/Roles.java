package org.unifiedvolume.raid.mirror;

import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.request.Locality;

/// Which legs do what now: an immutable picture that requests look at without a lock.
final class Roles {
    /// Every so many reads one goes to another leg than the best, so that estimates do not age.
    private static final int PROBE_INTERVAL = 128;

    private final Leg[] best;
    private final Leg[] readable;
    private final Leg[] writable;
    private final Locality writeLocality;
    private int picks;

    /// @param legs under the lock of [Legs]
    Roles(List<Leg> legs) {
        List<Leg> candidates = new ArrayList<>();
        addBest(legs, Locality.LOCAL, candidates);
        if (candidates.isEmpty()) {
            addBest(legs, Locality.REMOTE, candidates);
        }
        best = candidates.toArray(Leg[]::new);
        addIf(legs, candidates, leg -> leg.state() == LegState.IN_SYNC && !leg.isSuspect());
        addIf(legs, candidates, leg -> leg.state() == LegState.IN_SYNC);
        addIf(legs, candidates, leg -> leg.state() == LegState.UNCLEAN);
        readable = candidates.toArray(Leg[]::new);
        List<Leg> takers = new ArrayList<>();
        addIf(legs, takers, leg -> leg.state().takesChanges());
        writable = takers.toArray(Leg[]::new);
        Locality where = takers.isEmpty() ? Locality.LOCAL : takers.getFirst().locality();
        for (Leg leg : takers) {
            where = where.and(leg.locality());
        }
        writeLocality = where;
    }

    private static void addBest(List<Leg> legs, Locality where, List<Leg> found) {
        addIf(
                legs,
                found,
                leg ->
                        leg.state() == LegState.IN_SYNC
                                && !leg.isSuspect()
                                && leg.locality() == where);
    }

    private interface Condition {
        boolean holds(Leg leg);
    }

    private static void addIf(List<Leg> legs, List<Leg> found, Condition condition) {
        for (Leg leg : legs) {
            if (leg.device() != null && condition.holds(leg) && !found.contains(leg)) {
                found.add(leg);
            }
        }
    }

    /// The legs that may be read, the best ones first.
    Leg[] readable() {
        return readable;
    }

    /// The legs that every change goes to.
    Leg[] writable() {
        return writable;
    }

    Locality writeLocality() {
        return writeLocality;
    }

    Locality readLocality() {
        return readable.length == 0 ? writeLocality : readable[0].locality();
    }

    /// Whether there is a choice between legs that are equally near.
    boolean hasChoice() {
        return best.length > 1;
    }

    /// The leg to read first: the one that a sequential reader used last, else the one that
    /// probably answers first. Null if none may be read.
    Leg choose(long offsetBytes) {
        if (best.length <= 1) {
            return readable.length == 0 ? null : readable[0];
        }
        int pick = picks++;
        if (pick % PROBE_INTERVAL == 0) {
            return best[Math.floorMod(pick / PROBE_INTERVAL, best.length)];
        }
        Leg chosen = best[0];
        long least = Long.MAX_VALUE;
        for (Leg leg : best) {
            if (leg.continuesAt(offsetBytes)) {
                return leg;
            }
            long cost = leg.cost();
            if (cost < least) {
                least = cost;
                chosen = leg;
            }
        }
        return chosen;
    }

    /// The best leg that has not been tried; null if there is none.
    ///
    /// @param tried a bit for each leg, by index
    Leg next(long tried) {
        for (Leg leg : readable) {
            if ((tried & 1L << leg.index()) == 0) {
                return leg;
            }
        }
        return null;
    }
}

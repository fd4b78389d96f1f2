package org.unifiedvolume.raid.mirror;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.raid.redundant.Roles;
import org.unifiedvolume.request.Locality;

/// The legs that have copies of the same bytes, and which of them do what now: an immutable
/// picture.
final class CopySet {
    /// Every so many reads one goes to another leg than the best, so that estimates do not age.
    private static final int PROBE_INTERVAL = 128;

    private final Leg[] all;
    private final Leg[] best;
    private final int[] readable;
    private final Leg[] legs;
    private final Locality writeLocality;
    private final ReadLoad[] loads;
    private final boolean takesTurns;
    private int picks;

    /// @param legs by copy; null where the leg takes no changes
    /// @param members the roles, by copy
    /// @param readable the copies that may be read, the best ones first
    /// @param bestCount how many of those are equally good
    private CopySet(
            Roles roles,
            Leg[] legs,
            int[] members,
            List<Integer> readable,
            int bestCount,
            ReadLoad[] loads,
            boolean takesTurns) {
        this.legs = legs;
        this.loads = loads;
        this.takesTurns = takesTurns;
        this.readable = readable.stream().mapToInt(Integer::intValue).toArray();
        this.all = new Leg[members.length];
        for (int copy = 0; copy < members.length; copy++) {
            all[copy] = roles.leg(members[copy]);
        }
        this.best = new Leg[bestCount];
        for (int i = 0; i < bestCount; i++) {
            best[i] = all[this.readable[i]];
        }
        Locality where = null;
        for (Leg leg : legs) {
            if (leg != null) {
                where = where == null ? leg.locality() : where.and(leg.locality());
            }
        }
        this.writeLocality = where == null ? Locality.LOCAL : where;
    }

    /// The set of the members that hold the copies of some chunk.
    ///
    /// @param members by copy
    /// @param avoided legs that are read only when nothing else is left, as a set
    static CopySet of(
            Roles roles, int[] members, ReadPolicy policy, long avoided, ReadLoad[] loads) {
        Leg[] legs = new Leg[members.length];
        for (int copy = 0; copy < members.length; copy++) {
            legs[copy] = roles.isWritable(members[copy]) ? roles.leg(members[copy]) : null;
        }
        List<Integer> order = new ArrayList<>();
        int bestCount;
        if (roles.isMeasured()) {
            addMeasured(roles, members, order);
            bestCount = Math.min(1, order.size());
        } else {
            IntPredicate isGood =
                    copy ->
                            roles.isComplete(members[copy])
                                    && !roles.isSuspect(members[copy])
                                    && (avoided >> members[copy] & 1) == 0;
            if (policy == ReadPolicy.LOCAL_FIRST) {
                add(
                        members,
                        order,
                        copy ->
                                isGood.test(copy)
                                        && roles.leg(members[copy]).locality() == Locality.LOCAL);
            }
            bestCount = order.size();
            add(members, order, isGood);
            bestCount = bestCount == 0 ? order.size() : bestCount;
            add(
                    members,
                    order,
                    copy -> roles.isComplete(members[copy]) && !roles.isSuspect(members[copy]));
            add(members, order, copy -> roles.isComplete(members[copy]));
            bestCount = Math.max(bestCount, Math.min(1, order.size()));
        }
        return new CopySet(
                roles, legs, members, order, bestCount, loads, policy == ReadPolicy.ROUND_ROBIN);
    }

    /// Where copies may differ, all readers keep to the primary, or else to the role after it.
    private static void addMeasured(Roles roles, int[] members, List<Integer> order) {
        for (int step = 0; step < roles.count(); step++) {
            int role = (roles.primary() + step) % roles.count();
            add(members, order, copy -> members[copy] == role && roles.isComplete(role));
        }
    }

    private static void add(int[] members, List<Integer> order, IntPredicate condition) {
        for (int copy = 0; copy < members.length; copy++) {
            if (condition.test(copy) && !order.contains(copy)) {
                order.add(copy);
            }
        }
    }

    /// The leg that has a copy, good or not.
    Leg leg(int copy) {
        return all[copy];
    }

    /// The leg that takes changes of a copy; null if none does.
    Leg writable(int copy) {
        return legs[copy];
    }

    int copyCount() {
        return legs.length;
    }

    Locality writeLocality() {
        return writeLocality;
    }

    Locality readLocality() {
        return best.length == 0 ? writeLocality : best[0].locality();
    }

    /// Whether there is a choice between legs that are equally good.
    boolean hasChoice() {
        return best.length > 1;
    }

    /// The copy to read first: the one that a sequential reader used last, else the one that
    /// probably answers first. -1 if none may be read.
    int choose(long offsetBytes) {
        if (best.length <= 1) {
            return readable.length == 0 ? -1 : readable[0];
        }
        int pick = picks++;
        if (takesTurns) {
            return readable[Math.floorMod(pick, best.length)];
        }
        if (pick % PROBE_INTERVAL == 0) {
            return readable[Math.floorMod(pick / PROBE_INTERVAL, best.length)];
        }
        int chosen = 0;
        long least = Long.MAX_VALUE;
        for (int i = 0; i < best.length; i++) {
            ReadLoad load = loads[best[i].role()];
            if (load.continuesAt(offsetBytes)) {
                return readable[i];
            }
            long cost = load.cost();
            if (cost < least) {
                least = cost;
                chosen = i;
            }
        }
        return readable[chosen];
    }

    /// The best copy that has not been tried; -1 if there is none.
    ///
    /// @param tried a bit for each copy
    int next(long tried) {
        for (int copy : readable) {
            if ((tried & 1L << copy) == 0) {
                return copy;
            }
        }
        return -1;
    }
}

package org.unifiedvolume.raid.redundant;

import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.request.Locality;

/// Which legs do what now: an immutable picture that requests look at without a lock.
public final class Roles {
    private final Leg[] legs;
    private final Leg[] writable;
    private final long writableLegs;
    private final long complete;
    private final long suspect;
    private final int primary;
    private final boolean measured;
    private final Locality writeLocality;

    /// Under the lock of [Legs].
    ///
    /// @param measured whether complete legs may differ, so that the primary is the measure
    Roles(List<Leg> all, int primary, boolean measured) {
        this.legs = all.toArray(Leg[]::new);
        this.primary = primary;
        this.measured = measured;
        List<Leg> takers = new ArrayList<>();
        long completeLegs = 0;
        long suspectLegs = 0;
        long takerLegs = 0;
        for (Leg leg : all) {
            if (leg.device() == null) {
                continue;
            }
            if (leg.state().takesChanges()) {
                takers.add(leg);
                takerLegs |= leg.bit();
            }
            if (leg.state().isComplete()) {
                completeLegs |= leg.bit();
                suspectLegs |= leg.isSuspect() ? leg.bit() : 0;
            }
        }
        complete = completeLegs;
        suspect = suspectLegs;
        writableLegs = takerLegs;
        writable = takers.toArray(Leg[]::new);
        Locality where = takers.isEmpty() ? Locality.LOCAL : takers.getFirst().locality();
        for (Leg leg : takers) {
            where = where.and(leg.locality());
        }
        writeLocality = where;
    }

    /// How many roles the array has.
    public int count() {
        return legs.length;
    }

    public Leg leg(int role) {
        return legs[role];
    }

    /// The legs that may be read, as a set.
    public long complete() {
        return complete;
    }

    public boolean isComplete(int role) {
        return (complete >> role & 1) != 0;
    }

    /// Whether a leg may be read, and is still the one that has its role.
    public boolean isComplete(Leg leg) {
        return leg.role() < legs.length && legs[leg.role()] == leg && isComplete(leg.role());
    }

    /// Of the complete legs those that have failed reads.
    public boolean isSuspect(int role) {
        return (suspect >> role & 1) != 0;
    }

    /// Whether a leg takes changes.
    public boolean isWritable(int role) {
        return (writableLegs >> role & 1) != 0;
    }

    /// The legs that take changes.
    public Leg[] writable() {
        return writable;
    }

    /// The leg that is the measure where complete ones may differ.
    public int primary() {
        return primary;
    }

    /// Whether complete legs may differ in places: readers keep to the primary, and to the role
    /// after it where it has no copy.
    public boolean isMeasured() {
        return measured;
    }

    /// Where a change or a flush of all legs is carried out.
    public Locality writeLocality() {
        return writeLocality;
    }
}

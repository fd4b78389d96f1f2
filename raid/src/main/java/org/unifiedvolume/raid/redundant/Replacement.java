package org.unifiedvolume.raid.redundant;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.raid.superblock.MemberState;

/// A member that is being filled to take the place of a complete leg's member, which goes on
/// serving until then.
///
/// Every change of the leg's rows is copied to it before that change is acknowledged ([Following]),
/// and a job copies the rest. Its data begin where those of the other one do, so that a request on
/// its way to the leg need not know which of the two it reaches.
final class Replacement {
    /// More ranges than that are not remembered: it is cheaper to begin anew.
    private static final int MAX_MISSED = 1024;

    /// Rows that could not be copied when they were changed.
    record Missed(long row, long lengthBytes) {}

    private final Leg leg;
    private final Leg fresh;
    private List<Missed> missed = new ArrayList<>();
    private volatile boolean ended;

    /// Guarded by the lock of the states.
    private long knownEvents;

    /// @param filledBytes up to which row it holds everything that is not marked in the bitmap
    Replacement(Leg leg, LegMember member, Instant since, long filledBytes, long knownEvents) {
        this.leg = leg;
        this.fresh = new Leg(leg.role(), member, LegState.REBUILDING, "", since, filledBytes);
        this.knownEvents = knownEvents;
    }

    /// Whose place it is to take.
    Leg leg() {
        return leg;
    }

    /// The new member as requests see a leg. It has no role: nobody but [Following] and the job
    /// knows it.
    Leg fresh() {
        return fresh;
    }

    LegMember member() {
        return fresh.member();
    }

    String name() {
        return fresh.name();
    }

    Instant since() {
        return fresh.since();
    }

    RowJob job() {
        return fresh.rebuild();
    }

    void setJob(RowJob newJob) {
        fresh.setRebuild(newJob);
    }

    /// Whether it takes no changes any more: it has the role, or will not get it.
    boolean hasEnded() {
        return ended;
    }

    void end() {
        ended = true;
        RowJob filling = job();
        if (filling != null) {
            filling.cancel();
        }
    }

    long filledBytes() {
        return fresh.filledBytes();
    }

    void setFilledBytes(long rows) {
        fresh.setFilledBytes(rows);
    }

    long knownEvents() {
        return knownEvents;
    }

    void recorded(long ofEvents) {
        knownEvents = Math.max(knownEvents, ofEvents);
    }

    /// Some rows were changed and could not be copied now; they have to be, before the end.
    ///
    /// @return whether it could be remembered
    synchronized boolean miss(long row, long lengthBytes) {
        return missed.size() < MAX_MISSED && missed.add(new Missed(row, lengthBytes));
    }

    synchronized List<Missed> takeMissed() {
        List<Missed> all = missed;
        missed = new ArrayList<>();
        return all;
    }

    /// What superblocks say of it.
    ArrayState.Entry entry() {
        return new ArrayState.Entry(
                member().uuid(),
                leg.role(),
                name(),
                MemberState.REPLACING,
                since().toEpochMilli(),
                filledBytes(),
                knownEvents);
    }
}

package org.unifiedvolume.raid.mirror;

import java.time.Instant;
import java.util.concurrent.atomic.AtomicInteger;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.volume.Member;

/// One leg of a mirror: its member, what is known of its bytes, how fast it answers.
///
/// What is known is guarded by the lock of [Legs]. How fast it is may be read and written by any
/// thread at once: a lost update only makes an estimate older.
final class Leg {
    private static final int SMOOTHING_SHIFT = 3;

    private final int index;
    private final LayoutMember member;
    private final long sizeBytes;

    // Written under the lock of Legs.
    private volatile LegState state;
    private String reason;
    private Instant since;
    private int readErrors;
    private boolean suspect;
    private volatile Resync resync;

    private final AtomicInteger outstanding = new AtomicInteger();
    private long smoothedNanos;
    private long nextOffsetBytes = -1;

    /// @param entry what is known of its bytes at the start
    Leg(int index, LayoutMember member, MirrorRecord.Entry entry) {
        this.index = index;
        this.member = member;
        this.sizeBytes = entry.sizeBytes();
        this.state = entry.state();
        this.reason = entry.reason();
        this.since = Instant.ofEpochMilli(entry.sinceMillis());
    }

    int index() {
        return index;
    }

    String name() {
        return member.name();
    }

    Locality locality() {
        return member.locality();
    }

    /// Null if the leg is missing.
    Member device() {
        return member.device();
    }

    LayoutMember member() {
        return member;
    }

    LegState state() {
        return state;
    }

    String reason() {
        return reason;
    }

    Instant since() {
        return since;
    }

    void become(LegState newState, String why, Instant when) {
        state = newState;
        reason = why;
        since = when;
        suspect = false;
        readErrors = 0;
    }

    boolean isSuspect() {
        return suspect;
    }

    /// Counts an error that was no reason to drop the leg.
    int countReadError(String why, Instant when) {
        readErrors++;
        if (!suspect) {
            suspect = true;
            reason = why;
            since = when;
        }
        return readErrors;
    }

    int readErrors() {
        return readErrors;
    }

    /// The resync that gives this leg its bytes; null if there is none.
    Resync resync() {
        return resync;
    }

    void setResync(Resync newResync) {
        resync = newResync;
    }

    MirrorRecord.Entry entry() {
        return new MirrorRecord.Entry(name(), sizeBytes, state, since.toEpochMilli(), reason);
    }

    /// What a read would probably wait for here.
    long cost() {
        return (smoothedNanos + 1) * (outstanding.getOpaque() + 1);
    }

    boolean continuesAt(long offsetBytes) {
        return nextOffsetBytes == offsetBytes;
    }

    void readStarts(long endBytes) {
        nextOffsetBytes = endBytes;
        outstanding.getAndIncrement();
    }

    void readEnds(long nanos) {
        outstanding.getAndDecrement();
        smoothedNanos += (nanos - smoothedNanos) >> SMOOTHING_SHIFT;
    }
}

package org.unifiedvolume.raid.redundant;

import java.time.Instant;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.raid.array.Children;
import org.unifiedvolume.raid.superblock.MemberState;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.request.RequestIds;
import org.unifiedvolume.spi.LayoutMember;

/// One leg of an array: the member in a role, what is known of its bytes.
///
/// What is known is guarded by the lock of [Legs].
public final class Leg {
    private final int role;
    private volatile LegMember member;

    // Written under the lock of Legs.
    private volatile LegState state;
    private String reason;
    private Instant since;
    private boolean isAway;
    private boolean forgiven;
    private boolean vacant;
    private int readErrors;
    private boolean suspect;
    private long mended;
    private long filledBytes;
    private volatile RowJob rebuild;
    private volatile RowJob lastRebuild;
    private long knownEvents;
    private long inSyncSince;
    private volatile BehindQueue queue;
    private volatile long behindSince;
    private long fellNanos;

    /// @param state what it holds at the start
    /// @param reason why it is in that state; may be empty
    /// @param filledBytes up to which row it holds what was not changed since the bitmap was last
    ///     cleared
    Leg(
            int role,
            LegMember member,
            LegState state,
            String reason,
            Instant since,
            long filledBytes) {
        this.role = role;
        this.member = member;
        this.state = state;
        this.reason = reason;
        this.since = since;
        this.filledBytes = filledBytes;
        this.isAway = member.device() == null;
    }

    /// The same leg in another role. Under the lock of [Legs], while no job fills it.
    Leg in(int otherRole) {
        Leg moved = new Leg(otherRole, member, state, reason, since, filledBytes);
        moved.isAway = isAway;
        moved.forgiven = forgiven;
        moved.vacant = vacant;
        moved.readErrors = readErrors;
        moved.suspect = suspect;
        moved.mended = mended;
        moved.lastRebuild = lastRebuild;
        moved.knownEvents = knownEvents;
        moved.inSyncSince = inSyncSince;
        moved.queue = queue;
        moved.behindSince = behindSince;
        moved.fellNanos = fellNanos;
        if (queue != null) {
            queue.setLeg(moved);
        }
        return moved;
    }

    public int role() {
        return role;
    }

    /// Its bit in a set of legs.
    public long bit() {
        return 1L << role;
    }

    public String name() {
        return member.name();
    }

    public Locality locality() {
        return member.locality();
    }

    /// What its requests go to, with the offsets of the member; null if the leg is missing.
    public BlockDevice device() {
        return member.device();
    }

    /// How many requests it has not answered.
    int underWayCount() {
        return member.underWayCount();
    }

    /// Whether its data carry checksums.
    public boolean hasChecksums() {
        return member.integrity() != null;
    }

    /// Whether some of its rows are in its member's list of what is lost.
    public boolean isLost(long row, long lengthBytes) {
        return member.lost().overlaps(row, lengthBytes);
    }

    /// Whether all of some rows are in its member's list of what is lost.
    public boolean isAllLost(long row, long lengthBytes) {
        return member.lost().covers(row, lengthBytes);
    }

    /// Whether any of its rows are.
    public boolean hasLosses() {
        return !member.lost().isEmpty();
    }

    LegMember member() {
        return member;
    }

    /// Hands the leg's device a request. If it has none any more, since its member was taken out
    /// after whoever asks looked, it is answered as by one that has gone.
    public void submit(IoRequest request, Completion done) {
        BlockDevice device = member.device();
        if (device == null) {
            done.complete(
                    request,
                    Outcome.failed(
                            DeviceFault.Kind.DISCONNECTED, name() + " was taken out meanwhile"));
        } else {
            device.submit(request, done);
        }
    }

    /// Another member, or the same one opened anew, takes the role. Under the lock of [Legs], while
    /// the leg takes no changes and is not read.
    void setMember(LegMember newMember) {
        forgiven &= newMember.uuid().equals(member.uuid());
        vacant = false;
        member = newMember;
    }

    /// Nobody has the role any more: its member was taken out by hand.
    void vacate() {
        vacant = true;
    }

    /// Whether nobody has the role.
    boolean isVacant() {
        return vacant;
    }

    /// What superblocks say of it.
    MemberState recorded() {
        return vacant ? MemberState.REMOVED : state.recorded();
    }

    LayoutMember opened() {
        return member.opened();
    }

    public LegState state() {
        return state;
    }

    String reason() {
        return reason;
    }

    Instant since() {
        return since;
    }

    /// Whether it may be missing only because it cannot be reached, so that it may come back by
    /// itself.
    boolean isAway() {
        return isAway;
    }

    void become(LegState newState, String why, Instant when) {
        state = newState;
        reason = why;
        since = when;
        suspect = false;
        isAway = false;
        readErrors = 0;
    }

    /// It is known to be stale, whatever it says of itself.
    void forgive() {
        forgiven = true;
    }

    boolean isForgiven() {
        return forgiven;
    }

    void setAway(boolean mayComeBack) {
        isAway = mayComeBack;
    }

    public boolean isSuspect() {
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

    /// What failed has been mended: the leg is as good as before when nothing else is left.
    ///
    /// @param wasCounted whether by [#countReadError]
    void countMended(boolean wasCounted) {
        mended++;
        if (wasCounted && readErrors > 0) {
            readErrors--;
        }
        suspect = readErrors > 0;
    }

    /// What it failed to read cannot be had from anywhere.
    void forgetReadErrors() {
        readErrors = 0;
        suspect = false;
    }

    /// How many failed reads were mended since the array started.
    long mended() {
        return mended;
    }

    int readErrors() {
        return readErrors;
    }

    /// Up to which row it holds everything that is not marked in the bitmap.
    long filledBytes() {
        return filledBytes;
    }

    void setFilledBytes(long rows) {
        filledBytes = rows;
    }

    /// The count of events of the last superblock that its member is known to hold.
    long knownEvents() {
        return knownEvents;
    }

    void setKnownEvents(long ofEvents) {
        knownEvents = ofEvents;
    }

    /// The count of events of the state that said first that it is complete.
    long inSyncSince() {
        return inSyncSince;
    }

    void setInSyncSince(long ofEvents) {
        inSyncSince = ofEvents;
    }

    /// The changes that it gets later than they are acknowledged; null if it gets all of them
    /// before.
    public BehindQueue queue() {
        return queue;
    }

    void setQueue(BehindQueue newQueue) {
        queue = newQueue;
    }

    /// Whether it may lack changes that were acknowledged, so that nothing is to wait for it.
    public boolean lags() {
        LegState now = state;
        return queue != null && now.takesChanges() && !now.isComplete();
    }

    /// It falls behind, or is in step again; what is known of its reads stays.
    void lag(LegState newState, Instant when) {
        state = newState;
        if (!suspect) {
            reason = "";
            since = when;
        }
    }

    /// The count of events of the state that said first that it is behind; 0 if none said that it
    /// is complete before.
    long behindSince() {
        return behindSince;
    }

    void setBehindSince(long ofEvents) {
        behindSince = ofEvents;
    }

    /// When it fell behind last.
    long fellNanos() {
        return fellNanos;
    }

    void setFellNanos(long nanos) {
        fellNanos = nanos;
    }

    /// The job that gives this leg its bytes; null if there is none.
    RowJob rebuild() {
        return rebuild;
    }

    void setRebuild(RowJob job) {
        rebuild = job;
        if (job != null) {
            lastRebuild = job;
        }
    }

    /// Whether a rebuild, be it cancelled, still works on the member.
    boolean isWorkedOn() {
        RowJob job = lastRebuild;
        return job != null && job.isAtWork();
    }

    /// Why nothing that is kept on the leg for the array's own sake can be written now; null if it
    /// can. A write that it has not answered in time may still happen, and would then undo a newer
    /// one of the same place.
    public DeviceFault hesitation() {
        int overdue = member.overdueCount();
        return overdue == 0
                ? null
                : new DeviceFault(
                        DeviceFault.Kind.TIMED_OUT,
                        "%s: %d changes that it has not answered in time may still happen"
                                .formatted(name(), overdue));
    }

    /// A request for this leg's part of another one: a child with a tag of its own.
    ///
    /// @param row where the part starts
    /// @param source what it writes; null unless the parent is a write
    public IoRequest part(
            IoRequest parent, long row, long lengthBytes, Buffers source, RequestIds ids) {
        LegMember here = member;
        return Children.of(
                parent, here.dataOffsetBytes() + row, lengthBytes, source, here.locality(), ids);
    }

    /// A request that goes to this leg whole, at another place.
    public IoRequest whole(IoRequest request, long row, RequestIds ids) {
        LegMember here = member;
        return Children.whole(request, here.dataOffsetBytes() + row, here.locality(), ids);
    }

    /// A read of this leg that another request needs.
    public IoRequest.Read read(IoTag parent, long row, long lengthBytes, RequestIds ids) {
        long offset = member.dataOffsetBytes() + row;
        IoTag tag = parent.child(ids.next(), Operation.READ, locality(), offset, lengthBytes);
        return new IoRequest.Read(tag, offset, lengthBytes);
    }

    /// A write to this leg that another request needs.
    public IoRequest.Write write(
            IoTag parent, long row, Buffers source, Durability durability, RequestIds ids) {
        return writeAt(parent, member.dataOffsetBytes() + row, source, durability, ids);
    }

    /// As [#write], outside of the data area: at an offset within the member.
    public IoRequest.Write writeAt(
            IoTag parent, long offset, Buffers source, Durability durability, RequestIds ids) {
        long length = source.length();
        IoTag tag = parent.child(ids.next(), Operation.WRITE, locality(), offset, length);
        return new IoRequest.Write(tag, offset, source, durability);
    }

    /// Whether a failure means that nothing was changed. Otherwise a change that failed may have
    /// happened, or a part of it.
    public static boolean isRefusal(DeviceFault fault) {
        return switch (fault.kind()) {
            case NOT_SUPPORTED, BAD_RANGE, READ_ONLY -> true;
            case IO, NO_SPACE, TIMED_OUT, DISCONNECTED, NO_MEMORY, STOPPING -> false;
        };
    }

    /// Whether a failure is the leg's own, so that another one may do better.
    public static boolean isOfLeg(DeviceFault fault) {
        return switch (fault.kind()) {
            case IO, NO_SPACE, NOT_SUPPORTED, BAD_RANGE, READ_ONLY, TIMED_OUT, DISCONNECTED -> true;
            case NO_MEMORY, STOPPING -> false;
        };
    }
}

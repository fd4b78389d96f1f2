package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.raid.superblock.Epoch;
import org.unifiedvolume.request.DeviceFault;

/// Which legs of an array are good, and every change of that.
///
/// One lock guards the states; requests look at [#roles] without it. Each change goes into the
/// superblocks too; whoever acknowledges a change of data waits for [StateKeeper#whenSettled]
/// first. Legs without which the array could not work are never given up.
final class Legs {
    /// After so many failed reads, none of which could be mended, a leg is dropped.
    private static final int MAX_READ_ERRORS = 64;

    private static final Logger LOG = LoggerFactory.getLogger(Legs.class);

    private final String volume;
    private final Level level;
    private volatile List<Leg> legs;
    private final StateKeeper keeper;
    private final LongSupplier randomIds;
    private final ReentrantLock lock = new ReentrantLock();
    private final Reserve reserve;
    private final Epochs epochs;
    private volatile long savedEvents;
    private int primary;
    private boolean measured;
    private boolean closedClean;
    private boolean uneven;
    private boolean differ;
    private boolean shut;
    private Runnable listener = () -> {};
    private WriteBehind behind;
    private volatile Roles roles;

    /// @param start the state that the legs were found in
    /// @param measured whether complete legs may differ
    /// @param randomIds for new epochs
    Legs(
            String volume,
            Level level,
            ArrayState start,
            List<Leg> legs,
            boolean measured,
            StateKeeper keeper,
            LongSupplier randomIds) {
        this.volume = volume;
        this.level = level;
        this.legs = List.copyOf(legs);
        this.keeper = keeper;
        this.randomIds = randomIds;
        this.reserve = new Reserve(volume, this);
        this.epochs = new Epochs(start, randomIds);
        this.primary = start.primary();
        this.measured = measured;
        for (Leg leg : legs) {
            leg.setKnownEvents(start.legs().get(leg.role()).knownEvents());
        }
        choosePrimary();
        this.roles = new Roles(this.legs, this.primary, measured);
    }

    Roles roles() {
        return roles;
    }

    StateKeeper keeper() {
        return keeper;
    }

    List<Leg> all() {
        return legs;
    }

    /// Who is told, under the lock, after each change of states.
    void setListener(Runnable newListener) {
        listener = newListener;
    }

    /// Who looks after the legs that may be behind; before the array is used.
    void setBehind(WriteBehind newBehind) {
        behind = newBehind;
        legs.forEach(behind::enroll);
    }

    /// A look at one leg or all of them while nothing changes.
    <T> T look(Supplier<T> look) {
        lock.lock();
        try {
            return look.get();
        } finally {
            lock.unlock();
        }
    }

    /// Whether every role has a leg that is complete, or lacks only what is in its queue.
    boolean areAllInUse() {
        return look(() -> (complete() | lagging()) == (1L << legs.size()) - 1);
    }

    /// The legs that lack only what is in their queues.
    private long lagging() {
        long found = 0;
        for (Leg leg : legs) {
            boolean isBehind = leg.state() == LegState.BEHIND && !leg.queue().isClosed();
            found |= isBehind ? leg.bit() : 0;
        }
        return found;
    }

    /// Takes note of a read that a leg failed.
    ///
    /// @return whether the leg stays complete, so that it should be mended
    boolean readFailed(Leg leg, DeviceFault fault) {
        lock.lock();
        try {
            if (!legs.contains(leg) || !leg.state().isComplete() || !canDoWithout(leg)) {
                return false;
            }
            int errors = leg.countReadError(fault.getMessage(), Instant.now());
            if (isGone(fault) || errors >= MAX_READ_ERRORS) {
                drop(leg, fault.getMessage(), isGone(fault));
                changed();
                return false;
            }
            LOG.warn(
                    "volume {}: {} failed a read ({}); others served it",
                    volume,
                    leg.name(),
                    fault.getMessage());
            publish();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /// Whether what a leg lacks may be had from others.
    boolean mayBeMended(Leg leg) {
        return look(() -> legs.contains(leg) && leg.state().isComplete() && canDoWithout(leg));
    }

    private static boolean isGone(DeviceFault fault) {
        return fault.kind() == DeviceFault.Kind.TIMED_OUT
                || fault.kind() == DeviceFault.Kind.DISCONNECTED;
    }

    /// What a leg could not read has been written anew.
    ///
    /// @param wasCounted whether it counts among the reads that the leg failed
    void readMended(Leg leg, boolean wasCounted) {
        lock.lock();
        try {
            leg.countMended(wasCounted);
            publish();
        } finally {
            lock.unlock();
        }
    }

    /// What a leg could not read no other one can give: that is no reason to do without it.
    void readNotMended(Leg leg) {
        lock.lock();
        try {
            leg.forgetReadErrors();
            publish();
        } finally {
            lock.unlock();
        }
    }

    /// Decides how something ended that some legs failed: those are dropped if the others are
    /// enough, else it has failed and the needed ones are kept.
    ///
    /// @param faults why legs failed, by role; null where they did not
    /// @return why the change failed; null if it has not
    DeviceFault settle(DeviceFault[] faults) {
        lock.lock();
        try {
            long failed = 0;
            for (int i = 0; i < faults.length; i++) {
                failed |= faults[i] == null ? 0 : 1L << i;
            }
            boolean isSafe = level.isEnough(roles.complete() & ~failed);
            boolean anyDropped = false;
            DeviceFault answer = null;
            // Whoever asked may have known of fewer legs.
            for (int i = legs.size() - 1; i >= 0; i--) {
                int role = i <= primary ? primary - i : i; // the primary comes last
                DeviceFault fault = role < faults.length ? faults[role] : null;
                if (fault == null) {
                    continue;
                }
                Leg leg = legs.get(role);
                if (isSafe || (!isHarmless(fault) && canDoWithout(leg))) {
                    anyDropped |= drop(leg, fault.getMessage(), isGone(fault));
                }
                if (!isSafe && (answer == null || leg.state().isComplete())) {
                    answer = fault;
                }
            }
            if (anyDropped) {
                changed();
            }
            return answer;
        } finally {
            lock.unlock();
        }
    }

    /// As [#settle], of something that holds no rows: legs may have come, gone, or taken other
    /// roles since it was begun.
    ///
    /// @param asked the roles that it was begun with
    DeviceFault settle(Roles asked, DeviceFault[] faults) {
        lock.lock();
        try {
            DeviceFault[] now = new DeviceFault[legs.size()];
            for (int role = 0; role < faults.length; role++) {
                Leg leg = faults[role] == null ? null : present(asked.leg(role));
                if (leg != null) {
                    now[leg.role()] = faults[role];
                }
            }
            return settle(now);
        } finally {
            lock.unlock();
        }
    }

    /// The leg that a member is now that was one before; null if it is none any more.
    private Leg present(Leg before) {
        return legs.contains(before) ? before : legOf(before.member().uuid());
    }

    /// The leg that is made of a member; null if none is.
    Leg legOf(UUID member) {
        for (Leg leg : legs) {
            if (leg.member().uuid().equals(member)) {
                return leg;
            }
        }
        return null;
    }

    /// Whether a failure says nothing about the leg, if all legs answer so.
    private static boolean isHarmless(DeviceFault fault) {
        return switch (fault.kind()) {
            case NO_SPACE, NOT_SUPPORTED, BAD_RANGE, READ_ONLY, NO_MEMORY, STOPPING -> true;
            case IO, TIMED_OUT, DISCONNECTED -> false;
        };
    }

    private boolean canDoWithout(Leg leg) {
        return !leg.state().isComplete() || level.isEnough(complete() & ~leg.bit());
    }

    /// The complete legs as they are now, perhaps not yet published.
    private long complete() {
        long found = 0;
        for (Leg leg : legs) {
            found |= leg.device() != null && leg.state().isComplete() ? leg.bit() : 0;
        }
        return found;
    }

    /// Under the lock. The caller says [#changed].
    ///
    /// @return whether it was in use
    private boolean drop(Leg leg, String why, boolean mayComeBack) {
        if (leg.state() == LegState.STALE) {
            return false;
        }
        LOG.error("volume {}: dropped {}: {}", volume, leg.name(), why);
        if (leg.rebuild() != null) {
            leg.setFilledBytes(leg.rebuild().checkpoint());
            leg.rebuild().cancel();
            leg.setRebuild(null);
        }
        leg.become(LegState.STALE, why, Instant.now());
        leg.setAway(mayComeBack);
        return true;
    }

    private void choosePrimary() {
        if (legs.get(primary).device() != null && legs.get(primary).state().isComplete()) {
            return;
        }
        for (Leg leg : legs) {
            if (leg.device() != null && leg.state().isComplete()) {
                LOG.info("volume {}: {} is the primary now", volume, leg.name());
                primary = leg.role();
                return;
            }
        }
    }

    /// Under the lock: brings a change of states to requests and to the superblocks.
    private void changed() {
        choosePrimary();
        if (!shut) {
            epochs.next(complete(), lagging());
            // First: who sees the new roles can see whether they are recorded.
            keeper.change(state());
            publish();
        }
        behind.closeQueues(legs); // a change that passes a leg by waits for the record, too
    }

    private void publish() {
        roles = new Roles(legs, primary, measured || differ);
        listener.run();
    }

    private ArrayState state() {
        List<ArrayState.Entry> entries = new ArrayList<>();
        for (Leg leg : legs) {
            entries.add(
                    new ArrayState.Entry(
                            leg.member().uuid(),
                            leg.role(),
                            leg.name(),
                            leg.recorded(),
                            leg.since().toEpochMilli(),
                            leg.filledBytes(),
                            leg.knownEvents()));
        }
        return new ArrayState(
                epochs.events(),
                epochs.epoch(),
                epochs.history(),
                closedClean,
                primary,
                epochs.clearedEvents(),
                entries,
                reserve.entries());
    }

    /// Whether an epoch is this array's present one or among those before it.
    boolean hasLived(Epoch other) {
        return look(() -> epochs.hasLived(other));
    }

    /// The count of events of the last superblock that a leg is known to hold.
    long knownEvents(Leg leg) {
        return look(leg::knownEvents);
    }

    /// A member holds the superblock of a count of events.
    void recorded(UUID member, long ofEvents) {
        lock.lock();
        try {
            for (Leg leg : legs) {
                if (leg.member().uuid().equals(member)) {
                    leg.setKnownEvents(Math.max(leg.knownEvents(), ofEvents));
                }
            }
            reserve.recorded(member, ofEvents);
        } finally {
            lock.unlock();
        }
    }

    /// What is written from now on has to count as newer than a superblock that a leg carries.
    void raiseEvents(long toAtLeast) {
        lock.lock();
        try {
            epochs.raise(toAtLeast);
        } finally {
            lock.unlock();
        }
    }

    /// A state is on every leg that counts.
    void saved(long ofEvents) {
        lock.lock();
        try {
            savedEvents = ofEvents;
        } finally {
            lock.unlock();
        }
    }

    /// Whether it is on disk that a complete leg is. Under the lock.
    boolean isRecorded(Leg leg) {
        return leg.inSyncSince() <= savedEvents;
    }

    /// Whether it is on disk that a leg is not complete which may be behind: then nothing of what
    /// it carries counts at a start, but its data.
    boolean isRecordedBehind(Leg leg) {
        return leg.lags() && leg.behindSince() <= savedEvents;
    }

    /// Whether the array can go on without a complete leg that takes changes later. Under the lock.
    boolean mayFallBehind(Leg leg) {
        return !shut && !measured && !differ && level.isEnough(complete() & ~leg.bit());
    }

    /// A leg that was behind lacks nothing any more, durably. Under the lock.
    void caughtUp(Leg leg) {
        leg.setFilledBytes(level.rowBytes());
        changed();
        leg.setInSyncSince(epochs.events());
    }

    /// A leg did not take what was acknowledged without it.
    void gaveUp(Leg leg, BehindQueue queue, DeviceFault fault) {
        changeIf(
                () ->
                        legs.contains(leg)
                                && leg.queue() == queue
                                && drop(leg, fault.getMessage(), isGone(fault)));
    }

    /// A leg did not take its superblock.
    ///
    /// @return whether the array goes on without it
    boolean recordFailed(Leg leg, DeviceFault fault) {
        lock.lock();
        try {
            if (leg.state() == LegState.STALE) {
                return true;
            }
            if (!canDoWithout(leg)) {
                return false;
            }
            drop(leg, "cannot write its superblock: " + fault.getMessage(), isGone(fault));
            changed();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /// Writes the superblocks of an array that starts, or has changed by hand.
    void save() throws IOException {
        record(() -> {});
    }

    /// A change of states.
    interface Deed {
        /// Under the lock.
        ///
        /// @throws IOException if it must not be; then nothing changes
        void run() throws IOException;
    }

    /// Makes a change of states if something says so under the lock.
    ///
    /// @return whether it did
    boolean changeIf(BooleanSupplier says) {
        lock.lock();
        try {
            boolean isChange = says.getAsBoolean();
            if (isChange) {
                changed();
            }
            return isChange;
        } finally {
            lock.unlock();
        }
    }

    /// Carries out a change of states, which is on disk when this returns.
    void record(Deed deed) throws IOException {
        lock.lock();
        try {
            deed.run();
            changed();
        } finally {
            lock.unlock();
        }
        keeper.settle();
    }

    /// Writes the superblocks of an array whose complete legs are in step.
    void saveClosed() throws IOException {
        lock.lock();
        try {
            if (uneven || measured) {
                return;
            }
            closedClean = true;
            changed();
        } finally {
            lock.unlock();
        }
        keeper.settle();
    }

    /// The members are about to be closed: what comes of that, or of commands that came too late,
    /// is no change of states. Waits for what is being written.
    void shut() throws IOException {
        lock.lock();
        try {
            shut = true;
        } finally {
            lock.unlock();
        }
        keeper.settle();
    }

    /// Stops using a leg by hand.
    void fail(Leg leg) throws IOException {
        record(
                () -> {
                    checkCanDoWithout(leg);
                    drop(leg, "taken out by hand", false);
                });
    }

    private void checkCanDoWithout(Leg leg) throws IOException {
        if (!legs.contains(leg)) {
            throw new IOException(
                    "volume %s: %s has got another role just now; try again"
                            .formatted(volume, leg.name()));
        }
        if (!canDoWithout(leg)) {
            String reproach = behind.reproach();
            throw new IOException(
                    "volume %s: the array cannot do without %s; %s"
                            .formatted(
                                    volume,
                                    leg.name(),
                                    reproach.isEmpty()
                                            ? "bring another leg in sync first"
                                            : reproach + ": wait until it is in step"));
        }
    }

    /// The present epoch. Under the lock ([#look]).
    Epoch epoch() {
        return epochs.epoch();
    }

    /// The count of events. Under the lock ([#look]).
    long events() {
        return epochs.events();
    }

    long randomId() {
        return randomIds.getAsLong();
    }

    /// Stops using the member of a leg for good: nobody takes it in again by itself.
    ///
    /// @throws IOException if the array cannot do without it, or that cannot be written down
    void retire(Leg leg, String why) throws IOException {
        record(
                () -> {
                    checkCanDoWithout(leg);
                    drop(leg, why, false);
                    leg.become(LegState.STALE, why, Instant.now()); // if it was not in use before
                    leg.setFilledBytes(0);
                });
    }

    /// A leg that takes no changes holds nothing that counts; on disk when this returns.
    void forgetContent(Leg leg) throws IOException {
        record(() -> leg.setFilledBytes(0));
    }

    /// The members beside the legs.
    Reserve reserve() {
        return reserve;
    }

    /// Who is beside the legs when the array begins; before that.
    ///
    /// @param givenUp whether a replacement is not there: it may have been given its role in a
    ///     state that nobody else has heard of, so what is done now has to be of another epoch
    void begin(List<Spare> waiting, List<Replacement> resumed, boolean givenUp) {
        reserve.begin(waiting, resumed);
        if (givenUp) {
            epochs.memberLeft();
        }
    }

    /// A replacement that holds what a complete leg's member holds takes its place, in one state.
    /// Whoever was complete before is not any more, so an epoch begins. The rows are all held.
    ///
    /// @return whether the leg was still complete and the replacement had not failed
    boolean take(Replacement replacement) throws IOException {
        Leg leg = replacement.leg();
        lock.lock();
        try {
            if (!leg.state().isComplete() || !reserve.leave(replacement)) {
                return false;
            }
            leg.setMember(replacement.member());
            leg.become(LegState.IN_SYNC, "", Instant.now());
            behind.enroll(leg);
            leg.setKnownEvents(replacement.knownEvents());
            epochs.memberLeft();
            changed();
            leg.setInSyncSince(epochs.events());
        } finally {
            lock.unlock();
        }
        keeper.settle();
        return true;
    }

    /// A retired leg is made of nobody from now on.
    ///
    /// @param gone what it was made of
    void vacate(Leg leg, LegMember gone) throws IOException {
        record(
                () -> {
                    leg.setMember(gone);
                    leg.vacate();
                });
    }

    /// Takes a dropped leg in again, to be given its bytes by `job`; it takes changes from now on.
    ///
    /// @param member what the leg is made of from now on; if it is a spare, it stops being one in
    ///     the same state
    /// @param filledBytes up to which row it holds everything that is not marked in the bitmap
    void rebuild(Leg leg, LegMember member, long filledBytes, RowJob job) throws IOException {
        lock.lock();
        try {
            if (leg.state() != LegState.STALE || !legs.contains(leg)) {
                throw new IOException(
                        "volume %s: %s is in use; fail it first if it shall be written anew"
                                .formatted(volume, leg.name()));
            }
            if (!member.uuid().equals(leg.member().uuid())) {
                leg.setKnownEvents(0); // whatever the one before it held
            }
            Replacement successor = reserve.enlist(leg, member);
            if (successor != null) {
                leg.setKnownEvents(successor.knownEvents());
            }
            leg.setMember(member);
            leg.setFilledBytes(filledBytes);
            leg.become(LegState.REBUILDING, "", Instant.now());
            behind.enroll(leg);
            leg.setRebuild(job);
            changed();
        } finally {
            lock.unlock();
        }
        try {
            keeper.settle();
        } catch (IOException e) {
            rebuildFailed(leg, job, "its return could not be recorded", false);
            throw e;
        }
    }

    /// There are more roles than before, whose legs are filled by their jobs; on disk when this
    /// returns.
    void widen(List<Leg> more) throws IOException {
        lock.lock();
        try {
            List<Leg> all = new ArrayList<>(legs);
            all.addAll(more);
            legs = List.copyOf(all);
            more.forEach(leg -> reserve.enlist(leg, leg.member()));
            more.forEach(behind::enroll);
            epochs.setRoles(legs.size());
            changed();
        } finally {
            lock.unlock();
        }
        try {
            keeper.settle();
        } catch (IOException e) {
            for (Leg leg : more) {
                rebuildFailed(leg, leg.rebuild(), "its role could not be recorded", false);
            }
            throw e;
        }
    }

    /// There is one role less: that of a leg which takes no changes. The last leg takes its place.
    /// All rows are held. On disk when this returns.
    ///
    /// @throws IOException if it must not be now, or cannot be written down
    void narrow(Leg gone) throws IOException {
        record(
                () -> {
                    Leg last = legs.getLast();
                    if (gone.state() != LegState.STALE || !legs.contains(gone)) {
                        throw new IOException(
                                "volume %s: %s is in use".formatted(volume, gone.name()));
                    }
                    List<Leg> fewer = new ArrayList<>(legs);
                    fewer.removeLast();
                    if (last != gone) {
                        checkMayMove(last);
                        fewer.set(gone.role(), last.in(gone.role()));
                        primary = primary == last.role() ? gone.role() : primary;
                    }
                    legs = List.copyOf(fewer);
                    epochs.setRoles(legs.size());
                    epochs.memberLeft();
                });
    }

    private void checkMayMove(Leg leg) throws IOException {
        if (leg.rebuild() != null || reserve.replacementOf(leg) != null) {
            throw new IOException(
                    "volume %s: %s is being filled; wait until it is"
                            .formatted(volume, leg.name()));
        }
    }

    /// How far a leg is filled goes into the superblocks.
    void checkpoint(Leg leg, RowJob job, long filledBytes) {
        changeIf(
                () -> {
                    boolean isGoing = leg.rebuild() == job && !job.mustStop();
                    if (isGoing) {
                        leg.setFilledBytes(filledBytes);
                    }
                    return isGoing;
                });
    }

    /// A leg holds what the array holds.
    ///
    /// @param job who has seen to it, null for the user; if it was cancelled nothing changes
    void inSync(Leg leg, RowJob job) {
        lock.lock();
        try {
            if (leg.rebuild() != job || (job != null && job.mustStop())) {
                return;
            }
            boolean isBehind = leg.queue() != null; // its queue may hold changes
            leg.setRebuild(null);
            leg.setFilledBytes(level.rowBytes());
            leg.become(isBehind ? LegState.BEHIND : LegState.IN_SYNC, "", Instant.now());
            changed();
            if (isBehind) {
                behind.filled(leg);
                return;
            }
            leg.setInSyncSince(epochs.events());
            LOG.info("volume {}: {} is in sync", volume, leg.name());
        } finally {
            lock.unlock();
        }
    }

    /// A rebuild could not go on.
    void rebuildFailed(Leg leg, RowJob job, String why, boolean mayComeBack) {
        changeIf(() -> leg.rebuild() == job && drop(leg, why, mayComeBack));
    }

    boolean isMeasured() {
        return measured;
    }

    /// There are more roles, with legs that hold all that they have to; on disk when this returns.
    ///
    /// @param more made of spares, which are none any more
    /// @param also what else changes in the same moment
    /// @throws IOException if that cannot be written down; they are there nevertheless
    void takeIn(List<Leg> more, Runnable also) throws IOException {
        record(
                () -> {
                    also.run();
                    List<Leg> all = new ArrayList<>(legs);
                    all.addAll(more);
                    legs = List.copyOf(all);
                    more.forEach(leg -> reserve.enlist(leg, leg.member()));
                    more.forEach(behind::enroll);
                    epochs.setRoles(legs.size());
                });
    }

    /// Asks anew whether there are rows on which complete legs may differ until they are mended.
    void askWhetherTheyDiffer(BooleanSupplier mayDiffer) {
        lock.lock();
        try {
            differ = mayDiffer.getAsBoolean();
            publish();
        } finally {
            lock.unlock();
        }
    }

    /// Legs that the array cannot do without failed to make changes durable: at the next start they
    /// have to be made alike.
    void flushFailed() {
        lock.lock();
        try {
            uneven = true;
        } finally {
            lock.unlock();
        }
    }

    /// There are more rows than before, which all complete legs have, and in which they may differ;
    /// on disk when this returns.
    void grown(long rowBytes) throws IOException {
        record(
                () -> {
                    legs.forEach(leg -> leg.setFilledBytes(rowBytes));
                    measured = true;
                });
    }

    /// The complete legs have been made alike.
    void alike() {
        changeIf(
                () -> {
                    measured = false;
                    return true;
                });
    }
}

package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.raid.badblock.BadBlocks;
import org.unifiedvolume.raid.bitmap.WriteIntentBitmap;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Discard;
import org.unifiedvolume.request.IoRequest.Flush;
import org.unifiedvolume.request.IoRequest.Locate;
import org.unifiedvolume.request.IoRequest.Prefetch;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.IoRequest.Write;
import org.unifiedvolume.request.IoRequest.Zero;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.spi.ManagedArray;
import org.unifiedvolume.volume.Member;

/// An array that goes on without some of its legs: RAID 1, 10, 5 and 6.
///
/// A change is acknowledged when every live leg has it. A leg that fails one, or is too slow for
/// its deadline, is dropped: the volume goes on DEGRADED, and the change is acknowledged when the
/// superblocks say on disk that the leg lacks it, so that no later start takes it for good.
public final class RedundantArray implements BlockDevice, ManagedArray, Group {
    private static final Logger LOG = LoggerFactory.getLogger(RedundantArray.class);
    private static final long CLOSE_NANOS = 5_000_000_000L;
    private static final VarHandle ASKED;

    static {
        try {
            ASKED = MethodHandles.lookup().findVarHandle(RedundantArray.class, "asked", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final String volume;
    private final Level level;
    private final Legs legs;
    private volatile DeviceShape shape;
    private final BlockingLegs blocking;
    private volatile WriteIntentBitmap bitmap;
    private final ArrayStatus status;
    private final Jobs jobs;
    private final Returns returns;
    private final Replacements replacements;
    private final Succession succession;
    private final Repairs repairs;
    private final Gathering gathering;
    private final WriteBehind behind;
    private final FailedChanges failedChanges = new FailedChanges(this);
    private final RangeLocks locks = new RangeLocks();
    private final AtomicBoolean membershipTaken = new AtomicBoolean();

    @SuppressWarnings("unused") // through ASKED
    private long asked;

    private volatile boolean closed;

    /// Whether what the last run left to do goes on. Guarded by the lock of the states.
    private boolean begun;

    /// What is written on the members; set once, before the array is used.
    private Superblocks superblocks;

    private Membership membership;
    private Growth growth;
    private LegCount legCount;
    private Widening widening;
    private ArrayDoubt doubt = new ArrayDoubt();

    /// @param bitmap null for none
    /// @param reader looks at legs that are to be taken in again
    RedundantArray(
            String volume,
            Level level,
            Legs legs,
            DeviceShape shape,
            BlockingLegs blocking,
            WriteIntentBitmap bitmap,
            LegReader reader,
            ArrayOptions options) {
        this.volume = volume;
        this.level = level;
        this.legs = legs;
        this.shape = shape;
        this.blocking = blocking;
        this.bitmap = bitmap;
        this.jobs = new Jobs(this, options.jobs());
        this.returns = new Returns(this, reader);
        this.replacements = new Replacements(this);
        this.succession = new Succession(this, options.spareDelayNanos());
        this.repairs = new Repairs(this);
        this.gathering = level.gathers() ? new Gathering(this) : null;
        this.status = new ArrayStatus(this, Instant.now());
        this.behind = new WriteBehind(this, level.behind());
        legs.setBehind(behind);
        legs.setListener(this::statesChanged);
    }

    /// What is written on the members; before [#begin].
    void setSuperblocks(Superblocks newSuperblocks) {
        superblocks = newSuperblocks;
        membership = new Membership(this, newSuperblocks, returns);
        widening = new Widening(this, newSuperblocks);
        legCount = new LegCount(this, newSuperblocks, membership, widening);
    }

    /// How it can grow; before [#begin].
    void setGrowth(Growth newGrowth) {
        growth = newGrowth;
    }

    /// All rows are held.
    void setBitmap(WriteIntentBitmap newBitmap) {
        bitmap = newBitmap;
    }

    /// The level has more rows; all of them are held.
    void grown() {
        shape = shape.withSize(level.sizeBytes());
    }

    /// What tells the legs' checksums where they prove less; before [#begin].
    void setDoubt(ArrayDoubt newDoubt) {
        doubt = newDoubt;
        doubt.setArray(this);
    }

    ArrayDoubt doubt() {
        return doubt;
    }

    /// Replays what a journal holds, and goes on with what the last run left to do.
    void begin(boolean wasClean) throws IOException {
        try {
            level.rolesChanged(legs.roles());
            level.open(this, wasClean);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while volume %s was opened".formatted(volume), e);
        }
        legs.save();
        // Once more: the first ones could not know yet that the others would be written. A leg that
        // is later set back to what it was before this start is told by that.
        legs.save();
        jobs.begin();
        replacements.resume();
        resumeReshape();
        legs.look(
                () -> {
                    begun = true;
                    lookAfterLegs();
                    return null;
                });
    }

    private void resumeReshape() throws IOException {
        Mover mover = level.mover();
        if (mover == null) {
            return;
        }
        ReshapeJob job = new ReshapeJob(this, superblocks, mover, jobs.options().maxRateBytes());
        try {
            if (!mover.isBetweenStripes()) {
                job.completeStripe();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while volume %s was opened".formatted(volume), e);
        }
        jobs.startReshape(job);
    }

    /// The array is on its way to more legs.
    void beginReshape(long maxRateBytes) {
        long rate = maxRateBytes == 0 ? jobs.options().maxRateBytes() : maxRateBytes;
        jobs.startReshape(new ReshapeJob(this, superblocks, level.mover(), rate));
    }

    @Override
    public void recordReshape(long positionBytes) throws IOException {
        superblocks.reshaped(positionBytes);
        legs.save();
    }

    /// Under the lock of the states.
    private void statesChanged() {
        level.rolesChanged(legs.roles());
        if (bitmap != null) {
            bitmap.mayClearAgain();
        }
        if (begun) {
            lookAfterLegs();
        }
    }

    /// Under the lock of the states. Not before the jobs of the last run go on: a leg that came
    /// back earlier would be filled by two jobs.
    private void lookAfterLegs() {
        returns.look();
        replacements.look();
        succession.look();
    }

    Level level() {
        return level;
    }

    Legs legs() {
        return legs;
    }

    Jobs jobs() {
        return jobs;
    }

    /// The level learns what lies where on a member that is about to take a role.
    void seated(Leg leg, LegMember member) {
        if (superblocks != null) {
            level.seated(leg.role(), superblocks.seat(member).areas());
        }
    }

    /// A member that is about to be given everything, with a list of nothing lost. Blocks.
    LegMember withNewList(LegMember member) throws IOException {
        return member.withNewList(superblocks.seat(member).areas(), blocking);
    }

    /// Looks after legs that get changes later.
    WriteBehind behind() {
        return behind;
    }

    Replacements replacements() {
        return replacements;
    }

    /// A replacement has failed: the leg keeps its place. Any thread.
    void giveUp(Replacement replacement, String why) {
        if (legs.reserve().abandon(replacement, why)) {
            membership.drop(replacement);
        }
    }

    Succession succession() {
        return succession;
    }

    /// What changes who has which role; one at a time ([#beginMembership]).
    Membership membership() {
        return membership;
    }

    /// Null if there is none.
    WriteIntentBitmap bitmap() {
        return bitmap;
    }

    FailedChanges failedChanges() {
        return failedChanges;
    }

    boolean isClosed() {
        return closed;
    }

    /// How many requests clients have made; only good for telling whether there were any.
    long askedCount() {
        return (long) ASKED.getOpaque(this);
    }

    @Override
    public String volume() {
        return volume;
    }

    @Override
    public IoContext io() {
        return blocking.io();
    }

    @Override
    public Roles roles() {
        return legs.roles();
    }

    @Override
    public RangeLocks locks() {
        return locks;
    }

    @Override
    public BlockingLegs blocking() {
        return blocking;
    }

    /// Where checksums may not fit for the sake of an unclean stop that is the resync's business.
    @Override
    public void readFailed(Leg leg, DeviceFault fault, long row, long lengthBytes) {
        if (lengthBytes > 0 && isUnsettled(leg, fault, row, lengthBytes)) {
            return;
        }
        boolean isIo = fault.kind() == DeviceFault.Kind.IO;
        if (isIo && leg.isLost(row, lengthBytes)) {
            // The disk is not to blame. Another leg may have it, should it have come back since.
            if (legs.mayBeMended(leg)) {
                repairs.add(leg, row, lengthBytes);
            }
            return;
        }
        if (isIo && repairs.knows(leg, row, lengthBytes)) {
            return; // one flaw counts once
        }
        if (legs.readFailed(leg, fault) && isIo) {
            repairs.add(leg, row, lengthBytes);
        }
    }

    @Override
    public void markLost(Leg leg, long row, long lengthBytes, DeviceFault why)
            throws DeviceFault, InterruptedException {
        if (level.mover() != null) {
            throw why; // rows are on their way elsewhere
        }
        blocking.markLost(leg, row, lengthBytes);
        LOG.error(
                "volume {}: {}: {} bytes at row {} are lost and an error until they are written: {}",
                volume,
                leg.name(),
                lengthBytes,
                row,
                why.getMessage());
    }

    /// Legs that have come back may have what others have lost.
    void mendLosses() {
        for (Leg leg : legs.all()) {
            if (leg.hasLosses() && legs.mayBeMended(leg)) {
                for (BadBlocks.Range range : leg.member().lost().ranges()) {
                    repairs.add(leg, range.row(), range.lengthBytes());
                }
            }
        }
    }

    @Override
    public boolean isDoubtful(long row) {
        boolean isLeft = legs.isMeasured() && (bitmap == null || bitmap.isDirty(row));
        return isLeft || failedChanges.cover(row);
    }

    @Override
    public void makeAlike(long row, long lengthBytes, Runnable then) {
        repairs.makeAlike(row, lengthBytes, then);
    }

    @Override
    public DeviceFault settle(DeviceFault[] faults) {
        return legs.settle(faults);
    }

    @Override
    public boolean isRecorded() {
        return legs.keeper().isSettled();
    }

    @Override
    public void whenRecorded(Consumer<DeviceFault> told) {
        if (isRecorded()) {
            told.accept(null);
            return;
        }
        legs.keeper()
                .whenSettled(
                        failed ->
                                told.accept(
                                        failed == null
                                                ? null
                                                : new DeviceFault(
                                                        DeviceFault.Kind.IO, failed.getMessage())));
    }

    @Override
    public DeviceShape shape() {
        return shape;
    }

    @Override
    public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
        return operation == Operation.FLUSH
                ? legs.roles().writeLocality()
                : level.locality(this, operation, offsetBytes, lengthBytes);
    }

    @Override
    public long localityRun(long offsetBytes) {
        return level.localityRun(this, offsetBytes);
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        if (closed) {
            done.complete(
                    request,
                    Outcome.failed(DeviceFault.Kind.STOPPING, "volume " + volume + " is closed"));
            return;
        }
        ASKED.setOpaque(this, askedCount() + 1);
        switch (request) {
            case Read _, Locate _, Prefetch _ -> level.read(this, request, done);
            case Write _, Zero _, Discard _ -> change(request, done);
            case Flush flush -> new LegFlush(this, flush, false, done).start();
        }
    }

    private void change(IoRequest request, Completion done) {
        DeviceFault refusal = failedChanges.refusal();
        if (refusal != null) {
            done.complete(request, new Outcome.Failed(refusal));
            return;
        }
        if (gathering == null
                || !(request instanceof Write write)
                || !gathering.take(write, done)) {
            send(request, done);
        }
    }

    /// Carries out a change as soon as its rows are free.
    void send(IoRequest change, Completion done) {
        long offset = change.offsetBytes();
        long length = change.lengthBytes();
        if (gathering != null) {
            gathering.begins();
        }
        locks.acquire(
                new RowChange(
                        this,
                        change,
                        done,
                        level.firstRow(offset, length),
                        level.endRow(offset, length)));
    }

    /// A change has been answered.
    void answered() {
        if (gathering != null) {
            gathering.ends();
        }
    }

    @Override
    public void flush(Completion done) {
        Locality where = legs.roles().writeLocality();
        long now = io().timers().nanoTime();
        IoTag tag = new IoTag(io().ids().next(), 0, Operation.FLUSH, where, 0, 0, 0, now);
        new LegFlush(this, new Flush(tag), true, done).start();
    }

    /// As [#flush(Completion)], and waits until it is done.
    void flushAll() throws DeviceFault, InterruptedException {
        DeviceFault fault =
                blocking.ask(
                        told ->
                                flush(
                                        (_, outcome) ->
                                                told.accept(
                                                        outcome
                                                                        instanceof
                                                                        Outcome.Failed(
                                                                                DeviceFault why)
                                                                ? why
                                                                : null)));
        if (fault != null) {
            throw fault;
        }
    }

    @Override
    public DeviceStatus status() {
        return status.now();
    }

    @Override
    public List<String> memberNames() {
        return Stream.concat(
                        legs.all().stream().map(Leg::name),
                        legs.reserve().spares().stream().map(Spare::name))
                .toList();
    }

    @Override
    public List<Member> members() {
        return Stream.of(
                        legs.all().stream().map(Leg::opened),
                        legs.reserve().replacements().stream().map(one -> one.member().opened()),
                        legs.reserve().spares().stream().map(Spare::opened))
                .flatMap(opened -> opened)
                .map(LayoutMember::device)
                .filter(Objects::nonNull)
                .toList();
    }

    @Override
    public Map<String, Object> detail() {
        return new ArrayDetail(this, superblocks).view();
    }

    @Override
    public void fail(String member) throws IOException {
        legs.fail(leg(member));
    }

    @Override
    public void readd(String member, boolean assumeClean) throws IOException {
        changeMembership(
                () -> {
                    returns.readd(leg(member), assumeClean);
                    return "";
                });
    }

    @Override
    public String remove(String member) throws IOException {
        Spare spare = spare(member);
        if (spare != null) {
            return changeMembership(() -> membership.removeSpare(spare));
        }
        for (Replacement replacement : legs.reserve().replacements()) {
            if (replacement.name().equals(member)) {
                return changeMembership(() -> membership.remove(replacement));
            }
        }
        return changeMembership(() -> membership.remove(leg(member)));
    }

    @Override
    public void replace(String member, LayoutMember replacement, boolean force) throws IOException {
        changeMembership(
                () ->
                        behind.inStep(
                                () -> {
                                    membership.replace(leg(member), replacement, force);
                                    return "";
                                }));
    }

    @Override
    public boolean add(LayoutMember member, boolean force) throws IOException {
        return changeMembership(
                () -> {
                    for (Leg leg : legs.all()) {
                        boolean isItself = leg.name().equals(member.name());
                        if (leg.state() == LegState.STALE && (isItself || !leg.isAway())) {
                            membership.replace(leg, member, force);
                            return true;
                        }
                    }
                    membership.addSpare(member, force);
                    return false;
                });
    }

    /// Makes a spare of a member at the start.
    void addSpare(LayoutMember member, boolean force) throws IOException {
        changeMembership(
                () -> {
                    membership.addSpare(member, force);
                    return "";
                });
    }

    /// The spare of a name; null if there is none.
    private Spare spare(String member) {
        return legs.reserve().spares().stream()
                .filter(spare -> spare.name().equals(member))
                .findFirst()
                .orElse(null);
    }

    @Override
    public long grow(long sizeBytes) throws IOException {
        return changeMembership(() -> behind.inStep(() -> growth.grow(sizeBytes)));
    }

    @Override
    public String setLegs(int count, List<LayoutMember> added, List<String> gone, boolean force)
            throws IOException {
        return changeMembership(() -> legCount.set(count, added, gone, force));
    }

    @Override
    public Extended extend(List<LayoutMember> fresh, boolean force, long maxRateBytes)
            throws IOException {
        long later =
                changeMembership(
                        () -> {
                            widening.widen(fresh, List.of(), force);
                            long size = level.mover().bytesBefore(level.mover().endRow());
                            beginReshape(maxRateBytes);
                            return size;
                        });
        return new Extended(shape.sizeBytes(), later);
    }

    private interface Deed<T> {
        T run() throws IOException, InterruptedException;
    }

    private <T> T changeMembership(Deed<T> deed) throws IOException {
        if (!beginMembership()) {
            throw new IOException(
                    "volume %s: its members are being changed just now; try again"
                            .formatted(volume));
        }
        try {
            return deed.run();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while members were changed", e);
        } finally {
            endMembership();
        }
    }

    /// Nobody else gives roles to members until [#endMembership].
    ///
    /// @return whether nobody did already
    boolean beginMembership() {
        return !closed && membershipTaken.compareAndSet(false, true);
    }

    void endMembership() {
        membershipTaken.set(false);
    }

    @Override
    public void scrub(boolean repairs, long maxRateBytes) throws IOException {
        jobs.startScrub(repairs, maxRateBytes);
    }

    @Override
    public void stopScrub() throws IOException {
        jobs.stopScrub();
    }

    /// Brings all of the bitmap to all legs that take changes, and waits until it is there.
    void saveBitmap() throws IOException, InterruptedException {
        DeviceFault fault = bitmap == null ? null : blocking.ask(told -> bitmap.save(told::accept));
        if (fault != null) {
            throw new IOException(
                    "volume %s: its bitmap cannot be written: %s"
                            .formatted(volume, fault.getMessage()),
                    fault);
        }
    }

    private Leg leg(String member) throws IOException {
        if (closed) {
            throw new IOException("volume %s is closed".formatted(volume));
        }
        for (Leg leg : legs.all()) {
            if (leg.name().equals(member)) {
                return leg;
            }
        }
        if (memberNames().contains(member)) {
            throw new IOException(
                    "volume %s: %s has no role; it can only be removed".formatted(volume, member));
        }
        List<String> names = legs.all().stream().map(Leg::name).toList();
        throw new IOException(
                "volume %s has no member %s; it has %s"
                        .formatted(volume, member, String.join(", ", names)));
    }

    /// Waits for changes under way, makes all legs durable, and writes down that they are in step.
    /// What does not end within some seconds is left to the next start, which finds the array not
    /// clean.
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        jobs.cancelAll();
        if (gathering != null) {
            gathering.close();
        }
        BlockingLegs.Held all = new BlockingLegs.Held(0, level.rowBytes());
        try {
            if (blocking.holdWithin(behind.closeNanos(CLOSE_NANOS), locks, all)
                    || behind.letGo(all)) {
                flushAll();
                behind.stepAll();
                legs.saveClosed();
            } else {
                LOG.warn("volume {}: closed with changes under way; not clean", volume);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (DeviceFault | IOException e) {
            LOG.warn("volume {}: not closed clean: {}", volume, e.getMessage());
        } finally {
            shutLegs();
            if (bitmap != null) {
                bitmap.close();
            }
            for (Leg leg : legs.all()) {
                if (leg.device() != null) {
                    leg.device().close();
                }
            }
            if (membership != null) {
                membership.close();
            }
            for (Replacement replacement : legs.reserve().replacements()) {
                replacement.member().device().close();
            }
            for (Spare spare : legs.reserve().spares()) {
                if (!spare.isMissing()) {
                    spare.member().device().close();
                }
            }
            if (all.isGranted()) {
                // Who came too late is answered by the closed legs.
                locks.release(all);
            }
        }
    }

    private void shutLegs() {
        try {
            legs.shut();
        } catch (IOException e) {
            LOG.warn("volume {}: its last state is not written down: {}", volume, e.getMessage());
        }
    }
}

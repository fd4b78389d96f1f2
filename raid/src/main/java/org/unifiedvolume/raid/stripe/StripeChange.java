package org.unifiedvolume.raid.stripe;

import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.geometry.ParityGeometry;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Level;
import org.unifiedvolume.raid.redundant.Roles;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.FanOut;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Write;
import org.unifiedvolume.request.IoRequest.Zero;
import org.unifiedvolume.request.Outcome;

/// A write or a zeroing on its way to all legs of its stripes.
///
/// Whole stripes go out as one run, the rest in bands. When such a part has ended, legs that failed
/// it are dropped, if the array can do without them. If it cannot, the part stays as it is, in
/// memory and in the journal, and is sent to those legs again and again: otherwise parity would be
/// wrong for bytes that nobody was writing. Children are started whether or not the one
/// who asked still waits: half a change would be worse than a late one.
class StripeChange extends FanOut {
    private final ParityLevel level;
    private final Group group;
    private final IoRequest what;
    private Roles roles;

    /// Why a part failed.
    private DeviceFault failure;

    private boolean mustRepeatSlowly;

    /// Whether whole stripes were sent that are not in the journal, and whether bands were.
    private boolean hasUnjournalledRun;

    private boolean hasBands;

    /// The parts that failed on legs which the array cannot do without.
    private final List<StripePart> broken = new ArrayList<>();

    private final Level.Change whole;

    /// @param whole whose rows are held
    /// @param what is done: the parent, or what it becomes here
    /// @param done told how it ended, unless legs have to be mended first
    StripeChange(
            ParityLevel level,
            Group group,
            Level.Change whole,
            IoRequest parent,
            IoRequest what,
            Completion done) {
        super(parent, done);
        this.whole = whole;
        this.level = level;
        this.group = group;
        this.what = what;
    }

    ParityLevel level() {
        return level;
    }

    Group group() {
        return group;
    }

    IoRequest what() {
        return what;
    }

    Roles roles() {
        return roles;
    }

    boolean isZero() {
        return what instanceof Zero;
    }

    Durability durability() {
        return switch (what) {
            case Write write -> write.durability();
            case Zero zero -> zero.durability();
            case IoRequest other -> throw new AssertionError(other + " changes no stripes");
        };
    }

    /// The bytes that a chunk gets in the rows of a band; null if they are zeroes.
    Buffers source(Band band, int dataIndex) {
        return what instanceof Write write
                ? write.source()
                        .part(
                                band.offsetOf(level.geometry(), dataIndex) - what.offsetBytes(),
                                band.lengthBytes())
                : null;
    }

    /// Nothing is sent before the superblocks say which legs will lack it: to the next start a leg
    /// that lacks it unnoticed would be one from which the other bytes of the stripe are computed.
    void start() {
        roles = group.roles();
        if (group.isRecorded()) {
            startParts();
        } else {
            group.whenRecorded(this::startRecorded);
        }
    }

    private void startRecorded(DeviceFault fault) {
        if (fault == null) {
            start();
        } else {
            expectOne();
            ended(fault);
            allSubmitted();
        }
    }

    void startParts() {
        ParityGeometry geometry = level.geometry();
        long start = what.offsetBytes();
        long end = start + what.lengthBytes();
        long firstWhole = geometry.stripeAt(start + geometry.stripeBytes() - 1);
        long endWhole = geometry.stripeAt(end);
        if (firstWhole >= endWhole) {
            long cut = Math.min(end, geometry.startOf(geometry.stripeAt(start) + 1));
            startPart(start, cut);
            startPart(cut, end);
        } else {
            startPart(start, geometry.startOf(firstWhole));
            startRun(firstWhole, endWhole);
            startPart(geometry.startOf(endWhole), end);
        }
        allSubmitted();
    }

    private void startPart(long from, long to) {
        if (from < to) {
            startBands(Band.of(level.geometry(), from, to - from));
        }
    }

    /// Whole stripes with all their legs need no journal: what they held is given up anyway.
    private void startRun(long stripe, long endStripe) {
        boolean isHealthy = Long.bitCount(roles.complete()) == roles.count();
        if (isZero() || isHealthy || level.journal() == null) {
            expectOne();
            hasUnjournalledRun = isHealthy && level.journal() != null;
            new RunChange(this, stripe, endStripe, !isHealthy).start();
        } else {
            for (long at = stripe; at < endStripe; at++) {
                startBands(List.of(Band.whole(level.geometry(), at)));
            }
        }
    }

    private void startBands(List<Band> bands) {
        hasBands = true;
        long most = level.mostRows();
        for (Band band : bands) {
            for (long at = 0; at < band.lengthBytes(); at += most) {
                expectOne();
                long length = Math.min(most, band.lengthBytes() - at);
                new BandChange(this, band.part(at, length)).start();
            }
        }
    }

    /// Only some legs could zero fast, so that the others have to do it slowly.
    synchronized void repeatSlowly() {
        mustRepeatSlowly = true;
    }

    synchronized boolean mustRepeatSlowly() {
        return mustRepeatSlowly;
    }

    /// Legs have answered all of a part.
    void sent(StripePart part, LegWrites writes) {
        DeviceFault why = mustRepeatSlowly() ? null : writes.settle();
        if (why != null && writes.isAnyTouched()) {
            broke(part, why);
        } else {
            partEnded(part);
            ended(why);
        }
    }

    /// Whether the journal gets what a band is about to be, before it is sent.
    ///
    /// @param hasParity whether legs take parity of it; where they do not, nothing has to fit
    ///     together
    boolean isJournalled(boolean hasParity) {
        return hasParity;
    }

    /// Whether its rows get another shape.
    boolean isReshape() {
        return false;
    }

    /// No leg that the array cannot do without lacks a part; or none has any of it.
    void partEnded(StripePart part) {
        part.letGo();
    }

    /// Legs that the array cannot do without may have a part or not.
    void partBroke(StripePart part) {
        part.lasts();
        synchronized (this) {
            broken.add(part);
        }
    }

    /// A part ended, and legs or the journal may have it or not.
    void broke(StripePart part, DeviceFault why) {
        partBroke(part);
        ended(why);
    }

    /// A part ended.
    ///
    /// @param why why it could not be done; null if it was done, but for the legs that failed it
    void ended(DeviceFault why) {
        complete(parent(), why == null ? Outcome.Done.DONE : new Outcome.Failed(why));
    }

    @Override
    protected synchronized void childEnded(IoRequest request, Outcome outcome) {
        if (outcome instanceof Outcome.Failed(DeviceFault fault)) {
            failure = fault;
        }
    }

    @Override
    protected void end(Completion whoWaits) {
        List<StripePart> parts;
        DeviceFault why;
        synchronized (this) {
            parts = List.copyOf(broken);
            why = failure;
        }
        noteRun();
        if (!parts.isEmpty()) {
            whole.failed(why, new PartsMending(parts, this::noteRun));
        } else if (why == null && reliesOnUnflushed()) {
            group.flush((_, outcome) -> whoWaits.complete(parent(), outcome));
        } else {
            whoWaits.complete(parent(), why == null ? Outcome.Done.DONE : new Outcome.Failed(why));
        }
    }

    private void noteRun() {
        if (hasUnjournalledRun) {
            level.journal().runs().ended();
        }
    }

    private boolean reliesOnUnflushed() {
        return hasBands
                && durability() == Durability.DURABLE
                && level.journal() != null
                && level.journal().runs().areAnyUnflushed();
    }

    private record PartsMending(List<StripePart> parts, Runnable mended) implements Level.Mending {
        @Override
        public void mend() throws DeviceFault, InterruptedException {
            for (StripePart part : parts) {
                part.mend();
            }
            mended.run();
            parts.forEach(StripePart::letGo);
        }

        @Override
        public void giveUp() {
            parts.forEach(StripePart::release);
        }
    }

    @Override
    protected Outcome result() {
        throw new AssertionError("it ends by itself");
    }
}

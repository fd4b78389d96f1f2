package org.unifiedvolume.raid.stripe;

import java.util.List;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.geometry.ParityGeometry;
import org.unifiedvolume.raid.redundant.Group;
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
/// Whole stripes go out as one run, the rest in bands. Done when all have ended; legs that failed
/// are dropped then, if the array can do without them. Children are started whether or not the one
/// who asked still waits: half a change would be worse than a late one.
final class StripeChange extends FanOut {
    private final ParityLevel level;
    private final Group group;
    private final IoRequest what;
    private final Roles roles;

    /// Why legs failed, by role; null as long as none has.
    private DeviceFault[] faults;

    /// Why something could not even be tried.
    private DeviceFault failure;

    private boolean mustRepeatSlowly;

    /// @param what is done: the parent, or what it becomes here
    StripeChange(
            ParityLevel level, Group group, IoRequest parent, IoRequest what, Completion done) {
        super(parent, done);
        this.level = level;
        this.group = group;
        this.what = what;
        this.roles = group.roles();
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

    void start() {
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
            new RunChange(this, stripe, endStripe, !isHealthy).start();
        } else {
            for (long at = stripe; at < endStripe; at++) {
                startBands(List.of(Band.whole(level.geometry(), at)));
            }
        }
    }

    private void startBands(List<Band> bands) {
        long most = level.mostRows();
        for (Band band : bands) {
            for (long at = 0; at < band.lengthBytes(); at += most) {
                expectOne();
                long length = Math.min(most, band.lengthBytes() - at);
                new BandChange(this, band.part(at, length)).start();
            }
        }
    }

    /// A leg failed its part.
    synchronized void legFailed(int role, DeviceFault fault) {
        if (faults == null) {
            faults = new DeviceFault[roles.count()];
        }
        faults[role] = fault;
    }

    /// Only some legs could zero fast, so that the others have to do it slowly.
    synchronized void repeatSlowly() {
        mustRepeatSlowly = true;
    }

    synchronized boolean mustRepeatSlowly() {
        return mustRepeatSlowly;
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
    protected Outcome result() {
        DeviceFault[] failed;
        DeviceFault why;
        synchronized (this) {
            failed = mustRepeatSlowly ? null : faults;
            why = failure;
        }
        DeviceFault lost = failed == null ? null : group.settle(failed);
        if (why == null) {
            why = lost;
        }
        return why == null ? Outcome.Done.DONE : new Outcome.Failed(why);
    }
}

package org.unifiedvolume.raid.mirror;

import java.io.IOException;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Zero;
import org.unifiedvolume.request.Outcome;

/// A change of data: holds its range while it is on its way to the legs, and is acknowledged when
/// the record says which legs lack it.
final class MirrorChange extends RangeLocks.Hold implements Completion {
    private final MirrorArray mirror;
    private final IoRequest request;
    private final Completion done;
    private LegFanOut way;

    MirrorChange(MirrorArray mirror, IoRequest request, Completion done) {
        super(request.offsetBytes(), request.lengthBytes());
        this.mirror = mirror;
        this.request = request;
        this.done = done;
    }

    /// The range is held: only now is it sure which legs take changes. A leg that starts to do so
    /// later is given this range by its resync, which waits for the range.
    @Override
    void granted() {
        go(request);
    }

    private void go(IoRequest what) {
        way = new LegFanOut(mirror, mirror.legs().roles().writable(), what, this);
        way.start();
    }

    @Override
    public void complete(IoRequest submitted, Outcome outcome) {
        if (way.mustRepeatSlowly() && request instanceof Zero zero) {
            go(
                    new Zero(
                            zero.tag(),
                            zero.offsetBytes(),
                            zero.lengthBytes(),
                            zero.mayUnmap(),
                            false,
                            zero.durability()));
            return;
        }
        mirror.locks().release(this);
        acknowledge(mirror, request, outcome, done);
    }

    /// Answers a change or a flush once nothing that it depends on can be forgotten.
    static void acknowledge(
            MirrorArray mirror, IoRequest request, Outcome outcome, Completion done) {
        RecordKeeper keeper = mirror.legs().keeper();
        if (keeper.isSettled() || !outcome.isSuccess()) {
            done.complete(request, outcome);
        } else {
            keeper.whenSettled(failed -> done.complete(request, unless(failed, outcome)));
        }
    }

    private static Outcome unless(IOException failed, Outcome outcome) {
        return failed == null ? outcome : Outcome.failed(DeviceFault.Kind.IO, failed.getMessage());
    }
}

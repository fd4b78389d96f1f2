package org.unifiedvolume.raid.mirror;

import org.unifiedvolume.raid.array.Children;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// A read, or another question that one leg can answer: goes to the best leg, and to the next one
/// when that fails.
final class MirrorRead implements Completion {
    private final MirrorArray mirror;
    private final IoRequest request;
    private final Completion done;
    private Leg leg;
    private boolean timed;
    private long startNanos;
    private long tried;

    MirrorRead(MirrorArray mirror, IoRequest request, Completion done) {
        this.mirror = mirror;
        this.request = request;
        this.done = done;
    }

    void start() {
        Roles roles = mirror.legs().roles();
        leg = roles.choose(request.offsetBytes());
        timed = roles.hasChoice();
        if (timed) {
            startNanos = mirror.timers().nanoTime();
            leg.readStarts(request.offsetBytes() + request.lengthBytes());
        }
        tried = 1L << leg.index();
        leg.device()
                .submit(
                        Children.whole(
                                request, request.offsetBytes(), leg.locality(), mirror.ids()),
                        this);
    }

    @Override
    public void complete(IoRequest submitted, Outcome outcome) {
        if (timed) {
            timed = false;
            leg.readEnds(mirror.timers().nanoTime() - startNanos);
        }
        if (outcome instanceof Outcome.Failed(DeviceFault fault) && isOfLeg(fault)) {
            mirror.legs().readFailed(leg, fault);
            Leg next = mirror.legs().roles().next(tried);
            if (next != null) {
                retry(next);
                return;
            }
        }
        done.complete(request, outcome);
    }

    /// Whether a failure is the leg's own, so that another may do better.
    private static boolean isOfLeg(DeviceFault fault) {
        return switch (fault.kind()) {
            case IO, NO_SPACE, NOT_SUPPORTED, BAD_RANGE, READ_ONLY, TIMED_OUT, DISCONNECTED -> true;
            case NO_MEMORY, STOPPING -> false;
        };
    }

    private void retry(Leg next) {
        leg = next;
        tried |= 1L << next.index();
        IoRequest child =
                Children.of(
                        request,
                        request.offsetBytes(),
                        request.lengthBytes(),
                        null,
                        next.locality(),
                        mirror.ids());
        next.device().submit(child, this);
    }
}

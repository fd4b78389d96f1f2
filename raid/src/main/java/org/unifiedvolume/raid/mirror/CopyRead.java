package org.unifiedvolume.raid.mirror;

import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// A read, or another question that one copy can answer: goes to the best one, and to the next one
/// when that fails.
final class CopyRead implements Completion {
    static final long BLOCK_BYTES = 4096;

    private final Replication level;
    private final Group group;
    private final IoRequest request;
    private final Completion done;
    private CopyMap map;
    private Leg leg;
    private long row;
    private boolean timed;
    private long startNanos;
    private long tried;
    private boolean settled;

    /// Whether some copy may only lack its checksum.
    private boolean unproven;

    /// @param request within one run of copies
    CopyRead(Replication level, Group group, IoRequest request, Completion done) {
        this.level = level;
        this.group = group;
        this.request = request;
        this.done = done;
    }

    void start() {
        long offset = request.offsetBytes();
        map = level.map();
        CopySet set = map.setAt(offset);
        int copy = set.choose(offset);
        if (copy < 0) {
            done.complete(
                    request,
                    Outcome.failed(
                            DeviceFault.Kind.IO,
                            "volume %s: no good copy of offset %d is left"
                                    .formatted(group.volume(), offset)));
            return;
        }
        leg = set.leg(copy);
        timed = set.hasChoice();
        if (timed) {
            startNanos = group.io().timers().nanoTime();
            level.load(leg).readStarts(offset + request.lengthBytes());
        }
        tried = 1L << copy;
        row = map.places().row(offset, copy);
        leg.submit(leg.whole(request, row, group.io().ids()), this);
    }

    @Override
    public void complete(IoRequest submitted, Outcome answer) {
        if (timed) {
            timed = false;
            level.load(leg).readEnds(group.io().timers().nanoTime() - startNanos);
        }
        Outcome outcome = group.trusted(leg, answer);
        if (outcome instanceof Outcome.Failed(DeviceFault fault) && Leg.isOfLeg(fault)) {
            group.readFailed(leg, fault, row, request.lengthBytes());
            unproven |= fault.kind() == DeviceFault.Kind.IO && leg.hasChecksums();
            int next = next();
            // What the measure can give has to come from it; and where every copy has a bad block,
            // it need not be the same block.
            if ((group.roles().isMeasured() || next < 0) && isMoreThanOneBlock()) {
                new RunsRead(level, group, request, done, BLOCK_BYTES).start();
                return;
            }
            if (next >= 0) {
                retry(next);
                return;
            }
            if (mustSettle()) {
                settled = true;
                group.makeAlike(
                        map.places().row(request.offsetBytes(), 0),
                        request.lengthBytes(),
                        this::start);
                return;
            }
        }
        done.complete(request, outcome);
    }

    /// The best copy that has not been tried; -1 if there is none. When legs came or went meanwhile
    /// copies have other numbers, and all may be tried again.
    private int next() {
        CopyMap now = level.map();
        if (now.places().copies() != map.places().copies()) {
            tried = 0;
        }
        map = now;
        return now.setAt(request.offsetBytes()).next(tried);
    }

    /// Whether no copy has its checksum because it was being changed when the array stopped.
    private boolean mustSettle() {
        return !settled
                && unproven
                && request instanceof IoRequest.Read
                && group.isDoubtful(map.places().row(request.offsetBytes(), 0));
    }

    private boolean isMoreThanOneBlock() {
        long offset = request.offsetBytes();
        return request instanceof IoRequest.Read
                && offset / BLOCK_BYTES != (offset + request.lengthBytes() - 1) / BLOCK_BYTES;
    }

    @Override
    public boolean isAwaited() {
        return done.isAwaited();
    }

    private void retry(int copy) {
        tried |= 1L << copy;
        leg = map.setAt(request.offsetBytes()).leg(copy);
        row = map.places().row(request.offsetBytes(), copy);
        leg.submit(leg.part(request, row, request.lengthBytes(), null, group.io().ids()), this);
    }
}

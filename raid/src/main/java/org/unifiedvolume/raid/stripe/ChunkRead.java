package org.unifiedvolume.raid.stripe;

import java.util.List;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.raid.redundant.Roles;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Locate;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.Outcome;

/// A question about one chunk: goes to its leg, and to the other legs of the stripe when that one
/// is missing or fails.
final class ChunkRead implements Completion {
    private final ParityLevel level;
    private final Group group;
    private final IoRequest request;
    private final Completion done;
    private Leg leg;
    private long row;

    /// @param request within one chunk
    ChunkRead(ParityLevel level, Group group, IoRequest request, Completion done) {
        this.level = level;
        this.group = group;
        this.request = request;
        this.done = done;
    }

    void start() {
        long offset = request.offsetBytes();
        int role = level.geometry().memberAt(offset);
        Roles roles = group.roles();
        if (!roles.isComplete(role)) {
            computed(false);
            return;
        }
        leg = roles.leg(role);
        row = level.geometry().memberOffset(offset);
        leg.submit(leg.whole(request, row, group.io().ids()), this);
    }

    /// @param hasFailed whether the leg was asked and failed
    private void computed(boolean hasFailed) {
        switch (request) {
            case Read read -> new LostRead(level, group, read, hasFailed, done).start();
            case Locate locate -> done.complete(locate, new Outcome.Located(allData(locate)));
            case IoRequest other -> done.complete(other, Outcome.Done.DONE);
        }
    }

    /// What is not known counts as data.
    private static List<Extent> allData(Locate locate) {
        return List.of(new Extent(locate.lengthBytes(), Extent.Kind.DATA));
    }

    @Override
    public void complete(IoRequest submitted, Outcome answer) {
        Outcome outcome = group.trusted(leg, answer);
        if (outcome instanceof Outcome.Failed(DeviceFault fault) && Leg.isOfLeg(fault)) {
            if (request instanceof Read) {
                group.readFailed(leg, fault, row, request.lengthBytes());
            }
            computed(!group.isUnsettled(leg, fault, row, request.lengthBytes()));
        } else {
            done.complete(request, outcome);
        }
    }

    @Override
    public boolean isAwaited() {
        return done.isAwaited();
    }
}

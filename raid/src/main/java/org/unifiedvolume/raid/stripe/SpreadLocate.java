package org.unifiedvolume.raid.stripe;

import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.raid.array.ExtentCursor;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.raid.redundant.Roles;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.FanOut;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Locate;
import org.unifiedvolume.request.Outcome;

/// A locate or a prefetch over several chunks: deals the legs' extents out in the order of the
/// array, until the first leg that has not answered further. What a leg cannot tell, or is missing,
/// counts as data.
final class SpreadLocate extends FanOut {
    private static final int MAX_EXTENTS = 4096;

    private final Group group;
    private final Roles roles;
    private final DataRuns runs;
    private final ExtentCursor[] cursors;

    /// @param lengthBytes how much of the range is asked for
    SpreadLocate(
            ParityLevel level, Group group, IoRequest parent, long lengthBytes, Completion done) {
        super(parent, done);
        this.group = group;
        this.roles = group.roles();
        this.runs = new DataRuns(level.geometry(), parent.offsetBytes(), lengthBytes);
        this.cursors = new ExtentCursor[runs.runs().size()];
    }

    void start() {
        for (DataRuns.Run run : runs.runs()) {
            if (roles.isComplete(run.role())) {
                Leg leg = roles.leg(run.role());
                IoRequest child =
                        leg.part(parent(), run.row(), run.lengthBytes(), null, group.io().ids());
                expectOne();
                leg.submit(
                        child,
                        (request, outcome) -> {
                            cursors[run.index()] = cursor(run, outcome);
                            complete(request, outcome);
                        });
            } else {
                cursors[run.index()] = cursor(run, Outcome.Done.DONE);
            }
        }
        allSubmitted();
    }

    private static ExtentCursor cursor(DataRuns.Run run, Outcome outcome) {
        return new ExtentCursor(
                outcome instanceof Outcome.Located(List<Extent> extents)
                        ? extents
                        : List.of(new Extent(run.lengthBytes(), Extent.Kind.DATA)));
    }

    @Override
    protected void childEnded(IoRequest request, Outcome outcome) {
        // kept as a cursor
    }

    @Override
    protected Outcome result() {
        if (!(parent() instanceof Locate)) {
            return Outcome.Done.DONE;
        }
        List<Extent> all = new ArrayList<>();
        for (int piece = 0; piece < runs.pieceCount(); piece++) {
            ExtentCursor cursor = cursors[runs.runOf(piece).index()];
            long left = runs.lengthBytes(piece);
            while (left > 0 && !cursor.isAtEnd() && all.size() < MAX_EXTENTS) {
                Extent found = cursor.take(left);
                found.appendTo(all);
                left -= found.lengthBytes();
            }
            if (left > 0) {
                break; // answered early, and so is this
            }
        }
        return new Outcome.Located(all);
    }
}

package org.unifiedvolume.targets.nbd.export;

import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.targets.nbd.wire.Nbd;
import org.unifiedvolume.volume.Volume;

/// Answers block status requests: one chunk for each metadata context that was asked for.
final class StatusReply {
    /// So far one answer looks; what is beyond is told when the client asks on.
    private static final int MAX_RUNS = 1024;

    /// A stretch in one state.
    private record Run(long lengthBytes, int state) {}

    private final ReplyWriter writer;
    private final Volume volume;

    StatusReply(ReplyWriter writer, Volume volume) {
        this.writer = writer;
        this.volume = volume;
    }

    /// @param extents where the volume has data in the call's range, or in the start of it
    void write(NbdCall call, List<Extent> extents) {
        int left = call.contexts.size();
        for (MetaContext context : call.contexts) {
            left--;
            List<Run> runs =
                    limited(
                            call,
                            switch (context) {
                                case ALLOCATION -> allocation(call, extents);
                                case LOCALITY -> locality(call);
                            });
            writer.status(left == 0, call.cookie, call.offset, context.id(), runs.size());
            for (Run run : runs) {
                writer.extent(run.lengthBytes, run.state);
            }
        }
    }

    private static List<Run> allocation(NbdCall call, List<Extent> extents) {
        List<Run> runs = new ArrayList<>();
        long left = call.length;
        for (Extent extent : extents) {
            int state =
                    (extent.kind().isUnallocated() ? Nbd.STATE_HOLE : 0)
                            | (extent.kind().readsZero() ? Nbd.STATE_ZERO : 0);
            long length = Math.min(extent.lengthBytes(), left);
            if (length > 0) {
                join(runs, length, state);
            }
            left -= length;
        }
        return runs;
    }

    private List<Run> locality(NbdCall call) {
        List<Run> runs = new ArrayList<>();
        long at = call.offset;
        long end = call.offset + call.length;
        for (int asked = 0; at < end && asked < MAX_RUNS; asked++) {
            long length = Math.min(volume.localityRun(at), end - at);
            join(runs, length, MetaContext.state(volume.locality(Operation.READ, at, length)));
            at += length;
        }
        return runs;
    }

    /// Adjacent stretches of one state are one.
    private static void join(List<Run> runs, long length, int state) {
        if (!runs.isEmpty() && runs.getLast().state == state) {
            runs.add(new Run(runs.removeLast().lengthBytes + length, state));
        } else {
            runs.add(new Run(length, state));
        }
    }

    /// Keeps to one extent if that was asked for, and to lengths that the reply's layout can tell.
    private List<Run> limited(NbdCall call, List<Run> runs) {
        List<Run> kept = new ArrayList<>();
        for (Run run : runs) {
            long length = Math.min(run.lengthBytes, writer.maxExtentBytes());
            kept.add(new Run(length, run.state));
            if (length < run.lengthBytes || call.has(Nbd.CMD_FLAG_REQ_ONE)) {
                break;
            }
        }
        return kept;
    }
}

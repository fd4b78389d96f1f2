package org.unifiedvolume.raid.mirror;

import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.FanOut;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Locate;
import org.unifiedvolume.request.IoRequest.Prefetch;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Outcome;

/// A question about several runs of copies: each is asked for on its own, the answers are joined.
final class RunsRead extends FanOut {
    /// An answer with extents of more runs than this ends early; whoever asks will ask for the
    /// rest.
    private static final int MAX_LOCATED_RUNS = 1 << 12;

    private final Replication level;
    private final Group group;
    private final long grainBytes;
    private final Part[] parts;

    /// @param grainBytes where parts end at the latest: at multiples of this
    RunsRead(Replication level, Group group, IoRequest parent, Completion done, long grainBytes) {
        super(parent, done);
        this.level = level;
        this.group = group;
        this.grainBytes = grainBytes;
        int count = 0;
        long end = parent.offsetBytes() + parent.lengthBytes();
        int most = parent instanceof Locate ? MAX_LOCATED_RUNS : Integer.MAX_VALUE;
        for (long at = parent.offsetBytes(); at < end && count < most; count++) {
            at += lengthOfPart(at, end);
        }
        this.parts = new Part[count];
    }

    private long lengthOfPart(long at, long end) {
        return level.places().run(at, Math.min(end - at, grainBytes - at % grainBytes));
    }

    void start() {
        long at = parent().offsetBytes();
        long end = at + parent().lengthBytes();
        for (int i = 0; i < parts.length; i++) {
            long length = lengthOfPart(at, end);
            parts[i] = new Part(this);
            expectOne();
            new CopyRead(level, group, partOf(at, length), parts[i]).start();
            at += length;
        }
        allSubmitted();
    }

    private IoRequest partOf(long offset, long length) {
        IoTag whole = parent().tag();
        IoTag tag =
                whole.child(
                        group.io().ids().next(),
                        level.map().setAt(offset).readLocality(),
                        offset,
                        length);
        return switch (parent()) {
            case Read _ -> new Read(tag, offset, length);
            case Locate _ -> new Locate(tag, offset, length);
            case Prefetch _ -> new Prefetch(tag, offset, length);
            case IoRequest other -> throw new AssertionError(other + " is no question");
        };
    }

    @Override
    protected void childEnded(IoRequest request, Outcome outcome) {
        // each part has kept its answer
    }

    @Override
    protected Outcome result() {
        for (Part part : parts) {
            if (part.outcome instanceof Outcome.Failed(DeviceFault fault)) {
                for (Part other : parts) {
                    other.outcome.discard();
                }
                return new Outcome.Failed(fault);
            }
        }
        return switch (parent()) {
            case Read _ -> joinData();
            case Locate _ -> joinExtents();
            case IoRequest _ -> Outcome.Done.DONE;
        };
    }

    private Outcome joinData() {
        Buffers[] all = new Buffers[parts.length];
        for (int i = 0; i < parts.length; i++) {
            all[i] = ((Outcome.Data) parts[i].outcome).buffers();
        }
        return new Outcome.Data(Buffers.concat(all));
    }

    private Outcome joinExtents() {
        List<Extent> all = new ArrayList<>();
        long at = parent().offsetBytes();
        long end = at + parent().lengthBytes();
        for (Part part : parts) {
            long expected = lengthOfPart(at, end);
            long found = 0;
            for (Extent extent : ((Outcome.Located) part.outcome).extents()) {
                extent.appendTo(all);
                found += extent.lengthBytes();
            }
            at += found;
            if (found < expected) {
                break; // it ended early, and so does this answer
            }
        }
        return new Outcome.Located(all);
    }

    private static final class Part implements Completion {
        private final RunsRead all;
        private Outcome outcome;

        Part(RunsRead all) {
            this.all = all;
        }

        @Override
        public void complete(IoRequest request, Outcome answer) {
            outcome = answer;
            all.complete(request, answer);
        }

        @Override
        public boolean isAwaited() {
            return all.isAwaited();
        }
    }
}

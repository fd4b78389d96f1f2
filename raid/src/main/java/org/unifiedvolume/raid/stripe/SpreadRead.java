package org.unifiedvolume.raid.stripe;

import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.raid.redundant.Roles;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.FanOut;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Outcome;

/// A read over several chunks: each leg is asked for its runs of data, what it does not have is
/// computed chunk by chunk, and all is joined in the order of the array.
final class SpreadRead extends FanOut {
    private final ParityLevel level;
    private final Group group;
    private final Roles roles;
    private final DataRuns runs;
    private final Buffers[] ofRuns;
    private final Buffers[] computed;
    private volatile DeviceFault failure;

    SpreadRead(ParityLevel level, Group group, Read parent, Completion done) {
        super(parent, done);
        this.level = level;
        this.group = group;
        this.roles = group.roles();
        this.runs = new DataRuns(level.geometry(), parent.offsetBytes(), parent.lengthBytes());
        this.ofRuns = new Buffers[runs.runs().size()];
        this.computed = new Buffers[runs.pieceCount()];
    }

    void start() {
        for (DataRuns.Run run : runs.runs()) {
            if (roles.isComplete(run.role())) {
                expectOne();
                new RunPart(run).start();
            } else {
                compute(run, false);
            }
        }
        allSubmitted();
    }

    private void compute(DataRuns.Run run, boolean hasFailed) {
        for (int i = 0; i < runs.pieceCount(); i++) {
            if (runs.runOf(i).index() == run.index()) {
                int piece = i;
                long start = runs.start(i);
                long length = runs.lengthBytes(i);
                IoTag tag =
                        parent().tag()
                                .child(group.io().ids().next(), Locality.MIXED, start, length);
                expectOne();
                new LostRead(
                                level,
                                group,
                                new Read(tag, start, length),
                                hasFailed,
                                (request, outcome) -> pieceEnded(piece, request, outcome))
                        .start();
            }
        }
    }

    private void pieceEnded(int piece, IoRequest request, Outcome outcome) {
        switch (outcome) {
            case Outcome.Data(Buffers buffers) -> computed[piece] = buffers;
            case Outcome.Failed(DeviceFault fault) -> failure = fault;
            case Outcome other -> throw new AssertionError("a read was answered " + other);
        }
        complete(request, outcome);
    }

    @Override
    protected void childEnded(IoRequest request, Outcome outcome) {
        // the parts keep their answers
    }

    @Override
    protected Outcome result() {
        if (failure != null) {
            release();
            return new Outcome.Failed(failure);
        }
        Buffers[] parts = new Buffers[runs.pieceCount()];
        for (int i = 0; i < parts.length; i++) {
            Buffers ofRun = ofRuns[runs.runOf(i).index()];
            parts[i] =
                    ofRun == null
                            ? computed[i]
                            : ofRun.part(runs.offsetInRun(i), runs.lengthBytes(i));
        }
        Buffers all = Buffers.concat(parts);
        // A slice may have become several: count each of them, then give up the old count.
        all.retain();
        release();
        return new Outcome.Data(all);
    }

    private void release() {
        for (Buffers buffers : ofRuns) {
            if (buffers != null) {
                buffers.release();
            }
        }
        for (Buffers buffers : computed) {
            if (buffers != null) {
                buffers.release();
            }
        }
    }

    private final class RunPart implements Completion {
        private final DataRuns.Run run;
        private final Leg leg;

        RunPart(DataRuns.Run run) {
            this.run = run;
            this.leg = roles.leg(run.role());
        }

        void start() {
            IoRequest child =
                    leg.part(parent(), run.row(), run.lengthBytes(), null, group.io().ids());
            leg.submit(child, this);
        }

        @Override
        public void complete(IoRequest request, Outcome answer) {
            Outcome outcome = group.trusted(leg, answer);
            switch (outcome) {
                case Outcome.Data(Buffers buffers) -> ofRuns[run.index()] = buffers;
                case Outcome.Failed(DeviceFault fault) when Leg.isOfLeg(fault) -> {
                    group.readFailed(leg, fault, run.row(), run.lengthBytes());
                    compute(run, !group.isUnsettled(leg, fault, run.row(), run.lengthBytes()));
                }
                case Outcome.Failed(DeviceFault fault) -> failure = fault;
                case Outcome other -> throw new AssertionError("a read was answered " + other);
            }
            SpreadRead.this.complete(request, outcome);
        }

        @Override
        public boolean isAwaited() {
            return SpreadRead.this.isAwaited();
        }
    }
}

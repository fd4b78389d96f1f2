package org.unifiedvolume.raid.stripe;

import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.FanOut;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Read;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Outcome;

/// A read of bytes that have their new shape, and of some behind them that have the old one.
final class SplitRead extends FanOut {
    private final Group group;
    private final StripePicture picture;
    private final Buffers[] parts = new Buffers[2];
    private volatile DeviceFault failure;

    SplitRead(Group group, StripePicture picture, Read parent, Completion done) {
        super(parent, done);
        this.group = group;
        this.picture = picture;
    }

    void start() {
        long from = parent().offsetBytes();
        long end = from + parent().lengthBytes();
        long cut = picture.movedBytes();
        expectOne();
        expectOne();
        start(0, picture.after(), from, cut - from);
        start(1, picture.before(), cut, end - cut);
        allSubmitted();
    }

    private void start(int part, ParityLevel level, long offset, long length) {
        IoTag tag =
                parent().tag()
                        .child(
                                group.io().ids().next(),
                                level.locality(group, parent().tag().operation(), offset, length),
                                offset,
                                length);
        level.read(
                group,
                new Read(tag, offset, length),
                (request, outcome) -> {
                    switch (outcome) {
                        case Outcome.Data(Buffers found) -> parts[part] = found;
                        case Outcome.Failed(DeviceFault fault) -> failure = fault;
                        case Outcome other ->
                                throw new AssertionError("a read was answered " + other);
                    }
                    complete(request, outcome);
                });
    }

    @Override
    protected void childEnded(IoRequest request, Outcome outcome) {
        // the parts keep their answers
    }

    @Override
    protected Outcome result() {
        if (failure == null) {
            return new Outcome.Data(Buffers.concat(parts));
        }
        for (Buffers part : parts) {
            if (part != null) {
                part.release();
            }
        }
        return new Outcome.Failed(failure);
    }
}

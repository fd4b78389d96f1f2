package org.unifiedvolume.raid.stripe;

import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Level;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.FanOut;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoRequest.Write;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Outcome;

/// A change of bytes that have their new shape, and of some behind them that have the old one.
final class SplitChange extends FanOut {
    private final Group group;
    private final StripePicture picture;
    private final Level.Change whole;
    private final List<Level.Mending> mendings = new ArrayList<>();
    private DeviceFault failure;

    SplitChange(Group group, StripePicture picture, IoRequest parent, Level.Change whole) {
        super(parent, whole);
        this.group = group;
        this.picture = picture;
        this.whole = whole;
    }

    void start() {
        long from = parent().offsetBytes();
        long end = from + parent().lengthBytes();
        long cut = picture.movedBytes();
        expectOne();
        expectOne();
        start(picture.after(), from, cut - from);
        start(picture.before(), cut, end - cut);
        allSubmitted();
    }

    private void start(ParityLevel level, long offset, long length) {
        IoTag tag =
                parent().tag()
                        .child(
                                group.io().ids().next(),
                                level.locality(group, parent().tag().operation(), offset, length),
                                offset,
                                length);
        Buffers source =
                parent() instanceof Write write
                        ? write.source().part(offset - parent().offsetBytes(), length)
                        : null;
        level.change(group, parent().part(tag, source), new Part());
    }

    private final class Part implements Level.Change {
        @Override
        public void complete(IoRequest request, Outcome outcome) {
            SplitChange.this.complete(request, outcome);
        }

        @Override
        public void failed(DeviceFault why, Level.Mending mending) {
            synchronized (SplitChange.this) {
                mendings.add(mending);
            }
            SplitChange.this.complete(parent(), new Outcome.Failed(why));
        }

        @Override
        public boolean isAwaited() {
            return SplitChange.this.isAwaited();
        }
    }

    @Override
    protected synchronized void childEnded(IoRequest request, Outcome outcome) {
        if (outcome instanceof Outcome.Failed(DeviceFault fault)) {
            failure = fault;
        }
    }

    @Override
    protected void end(Completion whoWaits) {
        List<Level.Mending> parts;
        DeviceFault why;
        synchronized (this) {
            parts = List.copyOf(mendings);
            why = failure;
        }
        if (parts.isEmpty()) {
            whoWaits.complete(parent(), why == null ? Outcome.Done.DONE : new Outcome.Failed(why));
        } else {
            whole.failed(why, new BothMending(new ArrayList<>(parts)));
        }
    }

    /// Mends one part after the other; each is mended once.
    private record BothMending(List<Level.Mending> left) implements Level.Mending {
        @Override
        public void mend() throws DeviceFault, InterruptedException {
            while (!left.isEmpty()) {
                left.getFirst().mend();
                left.removeFirst();
            }
        }

        @Override
        public void giveUp() {
            left.forEach(Level.Mending::giveUp);
        }
    }

    @Override
    protected Outcome result() {
        throw new AssertionError("it ends by itself");
    }
}

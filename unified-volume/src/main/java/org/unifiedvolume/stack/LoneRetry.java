package org.unifiedvolume.stack;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// Sends the parts of a merged request that failed once more, each on its own.
///
/// One after the other, in the one place that the merged request had taken: the device below never
/// has more requests than its depth. Parts whose deadline has passed are left out.
final class LoneRetry implements Completion {
    private final RequestStack stack;
    private final BlockDevice below;
    private final List<Ticket> parts;

    /// Guards against recursion: the count of answers that the sending thread has yet to see.
    private final AtomicInteger toSend = new AtomicInteger();

    private int next;

    LoneRetry(RequestStack stack, BlockDevice below, List<Ticket> parts) {
        this.stack = stack;
        this.below = below;
        this.parts = parts;
    }

    void start() {
        goOn();
    }

    @Override
    public void complete(IoRequest request, Outcome outcome) {
        parts.get(next - 1).end(outcome);
        goOn();
    }

    @Override
    public boolean isAwaited() {
        return parts.get(next - 1).isAwaited();
    }

    private void goOn() {
        if (toSend.getAndIncrement() != 0) {
            return;
        }
        do {
            sendNext();
        } while (toSend.decrementAndGet() != 0);
    }

    private void sendNext() {
        while (next < parts.size()) {
            Ticket part = parts.get(next++);
            if (part.state() != Ticket.EXPIRED) {
                below.submit(part.request(), this);
                return;
            }
            stack.released(part);
        }
        stack.freePlace();
    }
}

package org.unifiedvolume.raid.badblock;

import org.unifiedvolume.layer.RangeQueue;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// A change of rows that are lost: first its bytes become durable, then the list without its rows
/// does, then it is answered. A power cut in between leaves rows that count as lost; the other way
/// around it would leave rows that hold anything.
final class ListedChange implements Completion {
    private final BadBlockLayer layer;
    private final IoRequest change;
    private final Completion done;
    private final RangeQueue.Claim claim;

    /// @param durable the same change, to be durable when it is answered
    ListedChange(BadBlockLayer layer, IoRequest change, IoRequest durable, Completion done) {
        this.layer = layer;
        this.change = change;
        this.done = done;
        this.claim =
                new RangeQueue.Claim(
                        change.offsetBytes(),
                        change.offsetBytes() + change.lengthBytes(),
                        true,
                        () -> layer.below().submit(durable, this));
    }

    void start() {
        layer.begins();
        layer.queue().claim(claim);
    }

    @Override
    public void complete(IoRequest request, Outcome outcome) {
        if (outcome instanceof Outcome.Failed) {
            answer(outcome);
            return;
        }
        layer.keeper()
                .change(
                        false,
                        layer.rowOf(change),
                        change.lengthBytes(),
                        fault -> answer(fault == null ? outcome : failed(fault)));
    }

    private static Outcome failed(DeviceFault fault) {
        return new Outcome.Failed(fault);
    }

    @Override
    public boolean isAwaited() {
        return done.isAwaited();
    }

    private void answer(Outcome outcome) {
        layer.queue().release(claim);
        layer.ends();
        done.complete(change, outcome);
    }
}

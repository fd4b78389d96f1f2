package org.unifiedvolume.targets.nbd.member;

import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// Repeats the changes of [UnflushedWrites] on one link, in their order: several at once, but never
/// one before an earlier one that touches the same bytes.
///
/// Owned by the link's loop.
final class Replay {
    private static final int WINDOW = 16;

    private final NbdDevice device;
    private final NbdLink link;
    private final List<IoRequest> changes;
    private final List<IoRequest> underWay = new ArrayList<>();
    private int next;
    private boolean failed;

    Replay(NbdDevice device, NbdLink link, List<IoRequest> changes) {
        this.device = device;
        this.link = link;
        this.changes = changes;
    }

    NbdLink link() {
        return link;
    }

    int size() {
        return changes.size();
    }

    /// Begins; from any thread.
    void start() {
        if (link.loop().inLoop()) {
            goOn();
        } else {
            link.loop().execute(this::goOn);
        }
    }

    private void goOn() {
        while (!failed && next < changes.size() && underWay.size() < WINDOW && link.isUp()) {
            IoRequest change = changes.get(next);
            for (IoRequest other : underWay) {
                if (UnflushedWrites.overlap(change, other)) {
                    return;
                }
            }
            next++;
            underWay.add(change);
            link.send(
                    new Pending(
                            change,
                            (_, outcome) -> repeated(change, outcome),
                            device.context().timers().nanoTime(),
                            true));
        }
        if (!failed && next == changes.size() && underWay.isEmpty()) {
            device.links().replayed(this);
        }
    }

    private void repeated(IoRequest change, Outcome outcome) {
        underWay.remove(change);
        if (outcome instanceof Outcome.Failed(DeviceFault fault)) {
            failed = true;
            device.links().replayFailed(this, fault);
            return;
        }
        goOn();
    }
}

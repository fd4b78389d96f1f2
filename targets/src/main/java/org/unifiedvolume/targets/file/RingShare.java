package org.unifiedvolume.targets.file;

import java.util.ArrayDeque;

/// One device's part of one loop's ring: how many operations it has under way, and which wait, in
/// order. Belongs to the loop.
final class RingShare {
    final ArrayDeque<RingOperation> waiting = new ArrayDeque<>();
    int underWay;

    /// Whether the ring knows that something waits here.
    boolean inTurn;
}

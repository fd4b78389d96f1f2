package org.unifiedvolume.cache;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.unifiedvolume.buffer.Buffers;

/// The cached segments of some regions of the device, and what is under way there.
///
/// The one place where fills and changes meet. A change removes the segments of its range and
/// spoils the fills of its range before it goes down; a fill that starts while the change is under
/// way is born spoiled. So a segment always holds what a read from below would bring.
class Shard {
    /// A change under way. Two changes of one range are not equal.
    static final class Change {
        private final long startBytes;
        private final long endBytes;

        Change(long startBytes, long endBytes) {
            this.startBytes = startBytes;
            this.endBytes = endBytes;
        }

        boolean overlaps(Fill fill) {
            return fill.overlaps(startBytes, endBytes);
        }
    }

    /// What a look-up found: bytes that follow one another, and the segments they are from.
    static final class Found {
        final List<Buffers> parts = new ArrayList<>(2);
        final List<Segment> segments = new ArrayList<>(2);
        final List<Segment> readThrough = new ArrayList<>(0);
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final TreeMap<Long, Segment> segments = new TreeMap<>();
    private final List<Fill> fills = new ArrayList<>();
    private final List<Change> changes = new ArrayList<>();
    private boolean closed;

    /// A range that lies within one segment.
    ///
    /// @param readThrough whether a segment that was fetched ahead is through with its reader now
    record Hit(Buffers bytes, Segment segment, boolean readThrough) {}

    /// Finds a range within one segment: the short way for short reads.
    ///
    /// @return null if it is not cached, or not in one piece
    Hit hit(long from, long to) {
        lock.lock();
        try {
            Map.Entry<Long, Segment> entry = segments.floorEntry(from);
            if (entry == null || entry.getValue().endBytes() < to) {
                return null;
            }
            Segment segment = entry.getValue();
            return new Hit(segment.share(from, to), segment, segment.isReadThrough(to));
        } finally {
            lock.unlock();
        }
    }

    /// Collects what is cached from `from` on without a gap, at most to `to`.
    ///
    /// @return how far that goes
    long find(long from, long to, Found found) {
        lock.lock();
        try {
            long at = from;
            while (at < to) {
                Map.Entry<Long, Segment> entry = segments.floorEntry(at);
                if (entry == null || entry.getValue().endBytes() <= at) {
                    break;
                }
                Segment segment = entry.getValue();
                long until = Math.min(to, segment.endBytes());
                found.parts.add(segment.share(at, until));
                (segment.isReadThrough(until) ? found.readThrough : found.segments).add(segment);
                at = until;
            }
            return at;
        } finally {
            lock.unlock();
        }
    }

    /// Whether anything of a range is neither cached nor being fetched.
    boolean lacks(long from, long to) {
        lock.lock();
        try {
            for (Fill fill : fills) {
                if (fill.covers(from, to)) {
                    return false;
                }
            }
            long at = from;
            while (at < to) {
                Map.Entry<Long, Segment> entry = segments.floorEntry(at);
                if (entry == null || entry.getValue().endBytes() <= at) {
                    return true;
                }
                at = entry.getValue().endBytes();
            }
            return false;
        } finally {
            lock.unlock();
        }
    }

    /// Lets a read wait for a fill that is under way and will bring all it needs.
    boolean join(long from, long to, Fill.Waiter waiter) {
        lock.lock();
        try {
            for (Fill fill : fills) {
                if (fill.covers(from, to) && !fill.isSpoiled() && fill.join(waiter)) {
                    return true;
                }
            }
            return false;
        } finally {
            lock.unlock();
        }
    }

    void fillStarts(Fill fill) {
        lock.lock();
        try {
            for (Change change : changes) {
                if (change.overlaps(fill)) {
                    fill.spoil();
                }
            }
            fills.add(fill);
        } finally {
            lock.unlock();
        }
    }

    /// The fill has ended. What it brought for this shard is kept unless it was spoiled.
    ///
    /// @param brought segments of this shard; dropped if they cannot be kept
    /// @param removed collects segments that made room for them
    void fillEnds(Fill fill, List<Segment> brought, List<Segment> removed) {
        lock.lock();
        try {
            fills.remove(fill);
            for (Segment segment : brought) {
                if (closed || fill.isSpoiled()) {
                    segment.drop();
                } else {
                    remove(segment.startBytes(), segment.endBytes(), removed, null);
                    segments.put(segment.startBytes(), segment);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /// A change is about to go down.
    ///
    /// @param removed collects the segments that it makes stale
    /// @param pieces collects what is left of them
    void changeStarts(Change change, List<Segment> removed, List<Segment> pieces) {
        lock.lock();
        try {
            changes.add(change);
            spoilFills(change);
            remove(change.startBytes, change.endBytes, removed, pieces);
        } finally {
            lock.unlock();
        }
    }

    /// Under the lock: what is being read for this range may be from before the change.
    void spoilFills(Change change) {
        for (Fill fill : fills) {
            if (change.overlaps(fill)) {
                fill.spoil();
            }
        }
    }

    void changeEnded(Change change) {
        lock.lock();
        try {
            changes.remove(change);
        } finally {
            lock.unlock();
        }
    }

    /// Under the lock: removes a range; what stands out of it is kept if `pieces` is not null.
    private void remove(long from, long to, List<Segment> removed, List<Segment> pieces) {
        Map.Entry<Long, Segment> entry = segments.lowerEntry(to);
        while (entry != null && entry.getValue().endBytes() > from) {
            Segment segment = entry.getValue();
            segments.remove(entry.getKey());
            if (pieces != null) {
                keepPiece(segment, segment.startBytes(), from, pieces);
                keepPiece(segment, to, segment.endBytes(), pieces);
            }
            removed.add(segment);
            segment.drop();
            entry = segments.lowerEntry(Math.min(to, segment.startBytes()));
        }
    }

    private void keepPiece(Segment segment, long from, long to, List<Segment> pieces) {
        Segment piece = from < to ? segment.piece(from, to) : null;
        if (piece != null) {
            segments.put(from, piece);
            pieces.add(piece);
        }
    }

    /// Lets go of one segment, if it is still here.
    ///
    /// @param onlyUnread whether to keep it if somebody has read it
    void evict(Segment segment, boolean onlyUnread) {
        lock.lock();
        try {
            if (!segment.isDropped() && !(onlyUnread && !segment.isUnread())) {
                segments.remove(segment.startBytes());
                segment.drop();
            }
        } finally {
            lock.unlock();
        }
    }

    boolean isDropped(Segment segment) {
        lock.lock();
        try {
            return segment.isDropped();
        } finally {
            lock.unlock();
        }
    }

    /// Lets go of everything and keeps nothing from now on.
    void close() {
        lock.lock();
        try {
            closed = true;
            segments.values().forEach(Segment::drop);
            segments.clear();
        } finally {
            lock.unlock();
        }
    }

    /// The memory that all segments keep.
    long heldBytes() {
        lock.lock();
        try {
            return segments.values().stream().mapToLong(Segment::weightBytes).sum();
        } finally {
            lock.unlock();
        }
    }

    /// The segments in order, for those who check.
    NavigableMap<Long, Segment> copy() {
        lock.lock();
        try {
            return new TreeMap<>(segments);
        } finally {
            lock.unlock();
        }
    }
}

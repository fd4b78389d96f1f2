package org.unifiedvolume.cache;

import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.buffer.Slice;

/// A run of cached bytes within one pool block, to which it holds one reference.
///
/// Guarded by the lock of the [Shard] it is in.
final class Segment {
    private final long startBytes;
    private final Slice bytes;

    /// Whether it was fetched ahead and nobody has read it to its end yet.
    private boolean unread;

    private boolean dropped;

    /// Takes over one reference to the block of `bytes`.
    Segment(long startBytes, Slice bytes, boolean unread) {
        this.startBytes = startBytes;
        this.bytes = bytes;
        this.unread = unread;
    }

    long startBytes() {
        return startBytes;
    }

    long endBytes() {
        return startBytes + bytes.length();
    }

    /// The memory that it keeps from others: the whole block.
    int weightBytes() {
        return bytes.block().capacity();
    }

    /// The bytes from `from` to `to`, with a reference of their own.
    Buffers share(long from, long to) {
        Slice part = bytes.part(from - startBytes, to - from);
        part.retain();
        return part;
    }

    /// What is left of it from `from` to `to`, or null if that is too little to keep its block for.
    Segment piece(long from, long to) {
        if ((to - from) * 2 < weightBytes()) {
            return null;
        }
        Slice part = bytes.part(from - startBytes, to - from);
        part.retain();
        return new Segment(from, part, false);
    }

    /// Notes that it is being read up to `to`.
    ///
    /// @return whether this is the end of it for the first time: a sequential reader is through
    boolean isReadThrough(long to) {
        if (!unread || to < endBytes()) {
            return false;
        }
        unread = false;
        return true;
    }

    boolean isUnread() {
        return unread;
    }

    boolean isDropped() {
        return dropped;
    }

    void drop() {
        dropped = true;
        bytes.release();
    }
}

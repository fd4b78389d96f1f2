package org.unifiedvolume.targets.file;

import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.buffer.Slice;
import org.unifiedvolume.linux.IoRing;
import org.unifiedvolume.linux.IoVector;

/// A place for one operation under way in a ring, with the native memory that its calls need.
final class RingSlot {
    /// More slices than this are moved by more than one call.
    private static final int VECTOR_ENTRIES = 64;

    final int index;
    private final IoRing ring;
    private IoVector vector;
    RingOperation operation;
    RingShare share;

    RingSlot(IoRing ring, int index) {
        this.ring = ring;
        this.index = index;
    }

    /// Adds a read or a write of what is left of a payload.
    ///
    /// @param already how many bytes have been moved before
    void addTransfer(
            boolean write, int fd, long offset, Buffers payload, long already, int flags, int how) {
        if (payload.sliceCount() == 1) {
            Slice slice = payload.slice(0);
            add(
                    write ? IoRing.WRITE : IoRing.READ,
                    fd,
                    offset + already,
                    slice.address() + already,
                    (int) (slice.length() - already),
                    flags,
                    how);
            return;
        }
        if (vector == null) {
            vector = new IoVector(VECTOR_ENTRIES);
        }
        vector.clear();
        payload.addTo(vector, already);
        add(
                write ? IoRing.WRITEV : IoRing.READV,
                fd,
                offset + already,
                vector.address(),
                vector.count(),
                flags,
                how);
    }

    /// Adds a call to the ring; as [IoRing#add].
    void add(int call, int fd, long offset, long address, int length, int flags, int how) {
        ring.add(call, fd, offset, address, length, flags, how, index);
    }

    /// Adds an `fdatasync`.
    void addFlush(int fd, int how) {
        add(IoRing.FSYNC, fd, 0, 0, 0, IoRing.DATASYNC, how);
    }
}

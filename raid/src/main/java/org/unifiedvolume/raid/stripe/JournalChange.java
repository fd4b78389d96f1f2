package org.unifiedvolume.raid.stripe;

import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.request.DeviceFault;

/// A change of rows as the journal sees it: what it is about to send to which legs.
///
/// Without blocks it is one that needs no journal, but must not be undone by what stands there.
abstract class JournalChange {
    private final long row;
    private final long endRow;
    private final int[] roles;
    private final long[] rows;
    private final long[] lengths;
    private final Buffers[] blocks;
    private int count;
    private int shapeRoles;

    /// The entry that it stands in. Guarded by the journal's lock.
    JournalEntry entry;

    /// Whether it could not be written to all legs that hold the journal, but to some perhaps: a
    /// replay may carry it out until [Journal#settle] has succeeded. Set before it is told.
    boolean mayStand;

    /// Whether nobody knows when it will have ended. Guarded by the journal's lock.
    boolean lasts;

    /// @param most how many legs are written at the most
    JournalChange(long row, long endRow, int most) {
        this.row = row;
        this.endRow = endRow;
        this.roles = new int[most];
        this.rows = new long[most];
        this.lengths = new long[most];
        this.blocks = new Buffers[most];
    }

    /// Adds what one leg gets.
    ///
    /// @param bytes alive until the change has ended; null for zeroes
    final void add(int role, long firstRow, long lengthBytes, Buffers bytes) {
        roles[count] = role;
        rows[count] = firstRow;
        lengths[count] = lengthBytes;
        blocks[count] = bytes;
        count++;
    }

    /// With it, all rows up to its end have the shape that the array has over so many roles.
    final void reshapes(int roles) {
        shapeRoles = roles;
    }

    /// 0 if it changes no shape.
    final int shapeRoles() {
        return shapeRoles;
    }

    final long row() {
        return row;
    }

    final long endRow() {
        return endRow;
    }

    final boolean isJournalled() {
        return count > 0;
    }

    final int count() {
        return count;
    }

    final int role(int index) {
        return roles[index];
    }

    final long row(int index) {
        return rows[index];
    }

    final long length(int index) {
        return lengths[index];
    }

    final Buffers blocks(int index) {
        return blocks[index];
    }

    /// How many records of an entry it takes.
    final int recordCount() {
        return count + (revokes() ? 1 : 0) + (shapeRoles > 0 ? 1 : 0);
    }

    /// Whether what entries before say of its rows counts no more.
    final boolean revokes() {
        return !isJournalled() && row < endRow;
    }

    /// How many bytes of blocks there are.
    final long blockBytes() {
        long sum = 0;
        for (int i = 0; i < count; i++) {
            sum += blocks[i] == null ? 0 : lengths[i];
        }
        return sum;
    }

    /// What it is about to do is durable: it may send its blocks to the legs.
    ///
    /// @param fault why it is not; then the change must not be carried out
    abstract void entered(DeviceFault fault);
}

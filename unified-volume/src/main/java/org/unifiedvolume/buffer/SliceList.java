package org.unifiedvolume.buffer;

import java.util.Arrays;
import org.unifiedvolume.Invariant;

/// A payload of several slices, or of none.
final class SliceList extends Buffers {
    static final SliceList EMPTY = new SliceList(new Slice[0], 0);

    private final Slice[] slices;
    private final long length;

    SliceList(Slice[] slices, long length) {
        this.slices = slices;
        this.length = length;
    }

    @Override
    public long length() {
        return length;
    }

    @Override
    public int sliceCount() {
        return slices.length;
    }

    @Override
    public Slice slice(int index) {
        return slices[index];
    }

    @Override
    public Buffers part(long offset, long count) {
        Invariant.check(
                offset >= 0 && count >= 0 && offset <= length - count,
                "a part of %d bytes leaves its buffers",
                count);
        if (offset == 0 && count == length) {
            return this;
        }
        Slice[] parts = new Slice[slices.length];
        int used = 0;
        long skip = offset;
        long left = count;
        for (int i = 0; i < slices.length && left > 0; i++) {
            Slice slice = slices[i];
            if (skip >= slice.length()) {
                skip -= slice.length();
                continue;
            }
            long taken = Math.min(slice.length() - skip, left);
            parts[used++] = slice.part(skip, taken);
            left -= taken;
            skip = 0;
        }
        return used == 1 ? parts[0] : new SliceList(Arrays.copyOf(parts, used), count);
    }

    @Override
    public void retain() {
        for (Slice slice : slices) {
            slice.retain();
        }
    }

    @Override
    public void release() {
        for (Slice slice : slices) {
            slice.release();
        }
    }
}

package org.unifiedvolume.buffer;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.LongAdder;
import org.unifiedvolume.Invariant;
import org.unifiedvolume.linux.IoVector;

/// A payload: an immutable list of slices of pool memory, read as one run of bytes.
///
/// Making a part or a concatenation copies nothing and takes no references; the maker sees to it
/// that the memory lives long enough. [#retain] and [#release] count once for each slice.
public abstract sealed class Buffers permits PipedBuffers, Slice, SliceList {
    private static final LongAdder COPIED = new LongAdder();

    Buffers() {}

    /// A payload of no bytes.
    public static Buffers empty() {
        return SliceList.EMPTY;
    }

    public abstract long length();

    public abstract int sliceCount();

    public abstract Slice slice(int index);

    /// `length` bytes from `offset` on, as a view of the same memory.
    public abstract Buffers part(long offset, long length);

    /// Adds a reference to every block behind this payload.
    public abstract void retain();

    /// Gives up a reference to every block behind this payload.
    public abstract void release();

    /// Joins payloads end to end, as a view of their memory.
    public static Buffers concat(Buffers... parts) {
        int count = 0;
        long length = 0;
        for (Buffers part : parts) {
            count += part.sliceCount();
            length += part.length();
        }
        if (count == 1) {
            for (Buffers part : parts) {
                if (part.sliceCount() == 1) {
                    return part.slice(0);
                }
            }
        }
        Slice[] slices = new Slice[count];
        int at = 0;
        for (Buffers part : parts) {
            for (int i = 0; i < part.sliceCount(); i++) {
                slices[at++] = part.slice(i);
            }
        }
        return new SliceList(slices, length);
    }

    /// Memory that no pool owns: constants and the buffers of tests. Its references are not counted
    /// towards any pool.
    public static Buffers outsidePool(MemorySegment memory) {
        Block block = new Block(memory, null, 0);
        block.handOut();
        return block.slice(0, block.capacity());
    }

    /// Adds this payload's memory to a scatter-gather call, from `skip` bytes on, as far as the
    /// vector has room.
    public final void addTo(IoVector vector, long skip) {
        long left = skip;
        for (int i = 0; i < sliceCount() && !vector.isFull(); i++) {
            Slice slice = slice(i);
            if (left >= slice.length()) {
                left -= slice.length();
                continue;
            }
            vector.add(slice.address() + left, slice.length() - left);
            left = 0;
        }
    }

    /// Whether every slice starts and ends on a multiple of `bytes` in memory, as direct I/O wants.
    public final boolean isAligned(int bytes) {
        for (int i = 0; i < sliceCount(); i++) {
            Slice slice = slice(i);
            if (((slice.address() | slice.length()) & (bytes - 1)) != 0) {
                return false;
            }
        }
        return true;
    }

    /// Copies bytes out; counted by [#copiedBytes].
    public final void copyTo(long offset, MemorySegment target, long targetOffset, long length) {
        COPIED.add(length);
        walk(
                offset,
                length,
                (memory, from, done, count) ->
                        MemorySegment.copy(memory, from, target, targetOffset + done, count));
    }

    /// Copies bytes in; counted by [#copiedBytes]. Only for the one who filled the buffers so far:
    /// a payload that was handed on is never written again.
    public final void copyFrom(long offset, MemorySegment source, long sourceOffset, long length) {
        COPIED.add(length);
        walk(
                offset,
                length,
                (memory, to, done, count) ->
                        MemorySegment.copy(source, sourceOffset + done, memory, to, count));
    }

    /// Copies another payload into this one; counted by [#copiedBytes].
    public final void copyFrom(long offset, Buffers source) {
        long at = offset;
        for (int i = 0; i < source.sliceCount(); i++) {
            Slice slice = source.slice(i);
            copyFrom(at, slice.block().memory(), slice.offset(), slice.length());
            at += slice.length();
        }
    }

    /// Overwrites a range with zeroes.
    public final void zero(long offset, long length) {
        walk(offset, length, (memory, at, _, count) -> memory.asSlice(at, count).fill((byte) 0));
    }

    /// The bytes on the heap, for small texts, tests and reports; counted by [#copiedBytes].
    public final byte[] toBytes() {
        byte[] bytes = new byte[Math.toIntExact(length())];
        copyTo(0, MemorySegment.ofArray(bytes), 0, bytes.length);
        return bytes;
    }

    /// How many payload bytes this process has copied in memory since it started. The way between a
    /// socket and a member adds nothing to it.
    public static long copiedBytes() {
        return COPIED.sum();
    }

    private interface Visitor {
        void visit(MemorySegment memory, long at, long done, long count);
    }

    private void walk(long offset, long length, Visitor visitor) {
        Invariant.check(
                offset >= 0 && length >= 0 && offset + length <= length(),
                "a range that ends at %d is outside its buffers",
                offset + length);
        long skip = offset;
        long done = 0;
        for (int i = 0; i < sliceCount() && done < length; i++) {
            Slice slice = slice(i);
            if (skip >= slice.length()) {
                skip -= slice.length();
                continue;
            }
            long count = Math.min(slice.length() - skip, length - done);
            visitor.visit(slice.block().memory(), slice.offset() + skip, done, count);
            done += count;
            skip = 0;
        }
    }
}

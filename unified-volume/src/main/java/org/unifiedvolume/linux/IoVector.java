package org.unifiedvolume.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/// An array of `struct iovec` in native memory, filled anew for each scatter-gather call.
///
/// Owned by one thread at a time. Freed by the garbage collector with its owner.
public final class IoVector {
    /// The most entries that one call takes (`IOV_MAX`, `sysconf(3)`).
    public static final int MAX_ENTRIES = 1024;

    private static final long ENTRY_BYTES = 16;

    private final MemorySegment entries;
    private final long address;
    private final int capacity;
    private int count;
    private long totalBytes;

    public IoVector(int capacity) {
        this.capacity = Math.min(capacity, MAX_ENTRIES);
        this.entries = Arena.ofAuto().allocate(this.capacity * ENTRY_BYTES, 8);
        this.address = entries.address();
    }

    public void clear() {
        count = 0;
        totalBytes = 0;
    }

    public boolean isFull() {
        return count == capacity;
    }

    /// Appends one range of memory; a range that continues the last one is joined to it.
    public void add(long start, long lengthBytes) {
        if (count > 0) {
            long last = (count - 1) * ENTRY_BYTES;
            long lastLength = entries.get(JAVA_LONG, last + 8);
            if (entries.get(JAVA_LONG, last) + lastLength == start) {
                entries.set(JAVA_LONG, last + 8, lastLength + lengthBytes);
                totalBytes += lengthBytes;
                return;
            }
        }
        long at = count * ENTRY_BYTES;
        entries.set(JAVA_LONG, at, start);
        entries.set(JAVA_LONG, at + 8, lengthBytes);
        count++;
        totalBytes += lengthBytes;
    }

    public int count() {
        return count;
    }

    public long totalBytes() {
        return totalBytes;
    }

    public long address() {
        return address;
    }

    /// Copies bytes into the memory that the entries name, as far as both go.
    ///
    /// @return how many
    public int copyFrom(ByteBuffer source) {
        int copied = 0;
        for (int i = 0; i < count && source.hasRemaining(); i++) {
            long length = Math.min(entries.get(JAVA_LONG, i * ENTRY_BYTES + 8), source.remaining());
            MemorySegment target =
                    MemorySegment.ofAddress(entries.get(JAVA_LONG, i * ENTRY_BYTES))
                            .reinterpret(length);
            target.copyFrom(MemorySegment.ofBuffer(source).asSlice(0, length));
            source.position(source.position() + (int) length);
            copied += (int) length;
        }
        return copied;
    }

    /// The memory that the entries name, as buffers that share it.
    public ByteBuffer[] toByteBuffers() {
        ByteBuffer[] buffers = new ByteBuffer[count];
        for (int i = 0; i < count; i++) {
            buffers[i] =
                    MemorySegment.ofAddress(entries.get(JAVA_LONG, i * ENTRY_BYTES))
                            .reinterpret(entries.get(JAVA_LONG, i * ENTRY_BYTES + 8))
                            .asByteBuffer();
        }
        return buffers;
    }

    /// Where the memory of the first entry starts; only while it is not empty.
    public long firstAddress() {
        return entries.get(JAVA_LONG, 0);
    }
}

package org.unifiedvolume.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

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

    /// Where the memory of the first entry starts; only while it is not empty.
    public long firstAddress() {
        return entries.get(JAVA_LONG, 0);
    }
}

package org.unifiedvolume.raid.geometry;

import org.unifiedvolume.Invariant;

/// Members one after another, each with a size of its own.
///
/// ```
///  array   0        s0            s0+s1      s0+s1+s2
///          │ member 0 │ member 1     │ member 2 │
/// ```
public final class LinearGeometry {
    private final long[] ends;

    /// @param sizesBytes what is used of each member, in order; each at least 1
    /// @throws ArithmeticException if the sum is beyond 2^63
    public LinearGeometry(long[] sizesBytes) {
        Invariant.check(sizesBytes.length > 0, "a linear array of no members");
        ends = new long[sizesBytes.length];
        long end = 0;
        for (int i = 0; i < sizesBytes.length; i++) {
            Invariant.check(sizesBytes[i] > 0, "a member of %d bytes", sizesBytes[i]);
            end = Math.addExact(end, sizesBytes[i]);
            ends[i] = end;
        }
    }

    public long sizeBytes() {
        return ends[ends.length - 1];
    }

    /// The member that holds the byte at an offset within the array.
    public int memberAt(long offsetBytes) {
        int low = 0;
        int high = ends.length - 1;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (offsetBytes < ends[middle]) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }

    /// Where in the array a member starts.
    public long startOf(int member) {
        return member == 0 ? 0 : ends[member - 1];
    }

    /// Where in the array a member ends.
    public long endOf(int member) {
        return ends[member];
    }
}

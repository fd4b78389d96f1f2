package org.unifiedvolume.raid.geometry;

import org.unifiedvolume.Invariant;

/// Chunks dealt out to members of equal size in turn, each several times in a row: RAID 10 in the
/// `near` layout of Linux md, over any number of members.
///
/// ```
///         2 copies, 4 members    2 copies, 3 members    3 copies, 4 members
///  row 0  0   0   1   1          0   0   1              0   0   0   1
///  row 1  2   2   3   3          1   2   2              1   1   2   2
///  row 2  4   4   5   5          3   3   4              2   3   3   3
/// ```
///
/// The copies of a chunk are on members of their own, since there are never more copies than
/// members; but not always at the same offset there. What is left at the end for less than all
/// copies of a chunk stays unused.
public final class NearCopiesGeometry {
    private final int memberCount;
    private final int copyCount;
    private final long chunkBytes;
    private final int chunkShift;
    private final long rowCount;
    private final long chunkCount;

    /// @param memberCount at least 2
    /// @param copyCount from 2 to the number of members
    /// @param chunkBytes a power of two from [ParityGeometry#MIN_CHUNK_BYTES] to
    ///     [ParityGeometry#MAX_CHUNK_BYTES]
    /// @param rowCount how many chunks of each member are used, at least 1
    /// @throws ArithmeticException if the members together are beyond 2^63
    public NearCopiesGeometry(int memberCount, int copyCount, long chunkBytes, long rowCount) {
        Invariant.check(memberCount >= 2, "copies over %d members", memberCount);
        Invariant.check(
                copyCount >= 2 && copyCount <= memberCount, "%d copies of a chunk", copyCount);
        Invariant.check(
                Long.bitCount(chunkBytes) == 1
                        && chunkBytes >= ParityGeometry.MIN_CHUNK_BYTES
                        && chunkBytes <= ParityGeometry.MAX_CHUNK_BYTES,
                "a chunk of %d bytes",
                chunkBytes);
        Invariant.check(rowCount > 0, "a member of %d chunks", rowCount);
        Math.multiplyExact(Math.multiplyExact(rowCount, memberCount), chunkBytes);
        this.memberCount = memberCount;
        this.copyCount = copyCount;
        this.chunkBytes = chunkBytes;
        this.chunkShift = Long.numberOfTrailingZeros(chunkBytes);
        this.rowCount = rowCount;
        this.chunkCount = rowCount * memberCount / copyCount;
    }

    public int memberCount() {
        return memberCount;
    }

    public int copyCount() {
        return copyCount;
    }

    public long chunkBytes() {
        return chunkBytes;
    }

    public long sizeBytes() {
        return chunkCount << chunkShift;
    }

    /// How many bytes of each member are used.
    public long memberBytes() {
        return rowCount << chunkShift;
    }

    /// The number of the chunk that holds the byte at an offset within the array.
    public long chunkAt(long offsetBytes) {
        return offsetBytes >> chunkShift;
    }

    /// The member that has a copy, from 0, of the byte at an offset within the array.
    public int memberAt(long offsetBytes, int copy) {
        return (int) (position(offsetBytes, copy) % memberCount);
    }

    /// Where on its member a copy, from 0, of the byte at an offset within the array is.
    public long memberOffset(long offsetBytes, int copy) {
        return ((position(offsetBytes, copy) / memberCount) << chunkShift)
                | (offsetBytes & (chunkBytes - 1));
    }

    /// Where in the array a byte of a member is; -1 if it belongs to no chunk.
    public long arrayOffset(int member, long memberOffsetBytes) {
        long chunk = positionOn(member, memberOffsetBytes) / copyCount;
        return chunk >= chunkCount
                ? -1
                : (chunk << chunkShift) | (memberOffsetBytes & (chunkBytes - 1));
    }

    /// Which copy, from 0, of its chunk a byte of a member is in; only where [#arrayOffset] names a
    /// chunk.
    public int copyOn(int member, long memberOffsetBytes) {
        return (int) (positionOn(member, memberOffsetBytes) % copyCount);
    }

    /// Whether a range, not empty, lies within one chunk.
    public boolean isWithinChunk(long offsetBytes, long lengthBytes) {
        return lengthBytes <= chunkBytes - (offsetBytes & (chunkBytes - 1));
    }

    /// The place of a copy when places are counted along the rows.
    private long position(long offsetBytes, int copy) {
        assert copy >= 0 && copy < copyCount : copy;
        return chunkAt(offsetBytes) * copyCount + copy;
    }

    private long positionOn(int member, long memberOffsetBytes) {
        return (memberOffsetBytes >> chunkShift) * memberCount + member;
    }
}

package org.unifiedvolume.raid.geometry;

import org.unifiedvolume.Invariant;

/// Chunks dealt out to members of equal size in turn.
///
/// ```
///            member 0   member 1   member 2
///  stripe 0  chunk 0    chunk 1    chunk 2
///  stripe 1  chunk 3    chunk 4    chunk 5
/// ```
///
/// What a run of bytes of the array has on one member is one run there: chunks that follow one
/// another on a member are a whole stripe apart in the array. [#startOn] and [#lengthOn] name it.
public final class StripeGeometry {
    private final int memberCount;
    private final long chunkBytes;
    private final int chunkShift;
    private final long chunksPerMember;
    private final long sizeBytes;

    /// @param chunkBytes a power of two
    /// @param chunksPerMember how many chunks of each member are used, at least 1
    /// @throws ArithmeticException if the array is beyond 2^63
    public StripeGeometry(int memberCount, long chunkBytes, long chunksPerMember) {
        Invariant.check(memberCount > 0, "a stripe over %d members", memberCount);
        Invariant.check(Long.bitCount(chunkBytes) == 1, "a chunk of %d bytes", chunkBytes);
        Invariant.check(chunksPerMember > 0, "a member of %d chunks", chunksPerMember);
        this.memberCount = memberCount;
        this.chunkBytes = chunkBytes;
        this.chunkShift = Long.numberOfTrailingZeros(chunkBytes);
        this.chunksPerMember = chunksPerMember;
        this.sizeBytes =
                Math.multiplyExact(Math.multiplyExact(chunksPerMember, chunkBytes), memberCount);
    }

    public int memberCount() {
        return memberCount;
    }

    public long chunkBytes() {
        return chunkBytes;
    }

    public long sizeBytes() {
        return sizeBytes;
    }

    /// How many bytes of each member are used.
    public long memberBytes() {
        return chunksPerMember << chunkShift;
    }

    /// The number of the chunk that holds the byte at an offset within the array.
    public long chunkAt(long offsetBytes) {
        return offsetBytes >> chunkShift;
    }

    public int memberOfChunk(long chunk) {
        return (int) (chunk % memberCount);
    }

    public int memberAt(long offsetBytes) {
        return memberOfChunk(chunkAt(offsetBytes));
    }

    /// Where on its member the byte at an offset within the array is.
    public long memberOffset(long offsetBytes) {
        return ((chunkAt(offsetBytes) / memberCount) << chunkShift)
                | (offsetBytes & (chunkBytes - 1));
    }

    /// Whether a range, not empty, lies within one chunk.
    public boolean isWithinChunk(long offsetBytes, long lengthBytes) {
        return lengthBytes <= chunkBytes - (offsetBytes & (chunkBytes - 1));
    }

    /// Where on a member its part of a range starts; -1 if it has none.
    public long startOn(int member, long offsetBytes, long lengthBytes) {
        long first = chunkAt(offsetBytes);
        long last = chunkAt(offsetBytes + lengthBytes - 1);
        long chunk = first + Math.floorMod(member - memberOfChunk(first), memberCount);
        if (chunk > last) {
            return -1;
        }
        return chunk == first ? memberOffset(offsetBytes) : (chunk / memberCount) << chunkShift;
    }

    /// How many bytes of a range are on a member that has a part of it.
    public long lengthOn(int member, long offsetBytes, long lengthBytes) {
        long lastByte = offsetBytes + lengthBytes - 1;
        long last = chunkAt(lastByte);
        long chunk = last - Math.floorMod(memberOfChunk(last) - member, memberCount);
        long end =
                chunk == last
                        ? memberOffset(lastByte) + 1
                        : (chunk / memberCount + 1) << chunkShift;
        return end - startOn(member, offsetBytes, lengthBytes);
    }
}

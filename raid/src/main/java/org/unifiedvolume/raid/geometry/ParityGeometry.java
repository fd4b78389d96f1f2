package org.unifiedvolume.raid.geometry;

import org.unifiedvolume.Invariant;

/// Chunks dealt out to members of equal size, with one (P) or two (P and Q) parity chunks in every
/// stripe, left-symmetric: the parity moves one member to the left from stripe to stripe, and the
/// data begins behind it, so that long reads use all members. Where every chunk lives is the same
/// as in Linux md's layout `left-symmetric` of RAID 5 and RAID 6.
///
/// ```
///            RAID 5 over 4 members         RAID 6 over 5 members
///  stripe 0  0   1   2   P                 Q   0   1   2   P
///  stripe 1  4   5   P   3                 3   4   5   P   Q
///  stripe 2  8   P   6   7                 7   8   P   Q   6
///  stripe 3  P   9  10  11                11   P   Q   9  10
/// ```
///
/// The data index of a chunk is its number within its stripe, in array order. It is also the power
/// of the generator that the chunk has in Q.
public final class ParityGeometry {
    /// The smallest chunk.
    public static final long MIN_CHUNK_BYTES = 4096;

    /// The largest chunk.
    public static final long MAX_CHUNK_BYTES = 16 << 20;

    /// How many data members Q can tell apart: so many powers of the generator differ.
    private static final int MAX_DATA_WITH_Q = 255;

    private final int memberCount;
    private final int parityCount;
    private final int dataCount;
    private final long chunkBytes;
    private final int chunkShift;
    private final long stripeCount;
    private final long stripeBytes;
    private final long sizeBytes;

    /// @param memberCount at least 3 with one parity chunk, at least 4 with two
    /// @param parityCount 1 (RAID 5) or 2 (RAID 6)
    /// @param chunkBytes a power of two from [#MIN_CHUNK_BYTES] to [#MAX_CHUNK_BYTES]
    /// @param stripeCount how many chunks of each member are used, at least 1
    /// @throws ArithmeticException if the members together are beyond 2^63
    public ParityGeometry(int memberCount, int parityCount, long chunkBytes, long stripeCount) {
        Invariant.check(
                parityCount == 1 || parityCount == 2, "a stripe with %d parities", parityCount);
        Invariant.check(memberCount >= parityCount + 2, "parity over only %d members", memberCount);
        Invariant.check(
                parityCount == 1 || memberCount - 2 <= MAX_DATA_WITH_Q,
                "two parities over %d members",
                memberCount);
        Invariant.check(
                Long.bitCount(chunkBytes) == 1
                        && chunkBytes >= MIN_CHUNK_BYTES
                        && chunkBytes <= MAX_CHUNK_BYTES,
                "a chunk of %d bytes",
                chunkBytes);
        Invariant.check(stripeCount > 0, "a member of %d chunks", stripeCount);
        // Checked with the parity, so that no sum over the members can overflow either.
        Math.multiplyExact(Math.multiplyExact(stripeCount, chunkBytes), memberCount);
        this.memberCount = memberCount;
        this.parityCount = parityCount;
        this.dataCount = memberCount - parityCount;
        this.chunkBytes = chunkBytes;
        this.chunkShift = Long.numberOfTrailingZeros(chunkBytes);
        this.stripeCount = stripeCount;
        this.stripeBytes = chunkBytes * dataCount;
        this.sizeBytes = stripeCount * stripeBytes;
    }

    public int memberCount() {
        return memberCount;
    }

    /// How many chunks of a stripe are parity: 1 or 2.
    public int parityCount() {
        return parityCount;
    }

    /// How many chunks of a stripe are data.
    public int dataCount() {
        return dataCount;
    }

    public long chunkBytes() {
        return chunkBytes;
    }

    public long stripeCount() {
        return stripeCount;
    }

    /// How many bytes of the array are in one stripe: its data, without parity.
    public long stripeBytes() {
        return stripeBytes;
    }

    public long sizeBytes() {
        return sizeBytes;
    }

    /// How many bytes of each member are used.
    public long memberBytes() {
        return stripeCount << chunkShift;
    }

    /// The stripe that holds the byte at an offset within the array.
    public long stripeAt(long offsetBytes) {
        return offsetBytes / stripeBytes;
    }

    /// Where in the array a stripe starts.
    public long startOf(long stripe) {
        return stripe * stripeBytes;
    }

    /// The stripe that a byte of any member belongs to.
    public long stripeOfMember(long memberOffsetBytes) {
        return memberOffsetBytes >> chunkShift;
    }

    /// Where on every member the chunk of a stripe starts.
    public long startOnMembers(long stripe) {
        return stripe << chunkShift;
    }

    /// The data index, from 0, of the chunk that holds the byte at an offset within the array.
    public int dataIndexAt(long offsetBytes) {
        return (int) ((offsetBytes % stripeBytes) >> chunkShift);
    }

    /// The member that holds the byte at an offset within the array.
    public int memberAt(long offsetBytes) {
        return memberOfData(stripeAt(offsetBytes), dataIndexAt(offsetBytes));
    }

    /// Where on its member the byte at an offset within the array is.
    public long memberOffset(long offsetBytes) {
        return startOnMembers(stripeAt(offsetBytes)) | (offsetBytes & (chunkBytes - 1));
    }

    /// The member that holds the XOR of a stripe's data.
    public int memberOfP(long stripe) {
        return memberCount - 1 - (int) (stripe % memberCount);
    }

    /// The member that holds the second parity of a stripe; only with two parities.
    public int memberOfQ(long stripe) {
        Invariant.check(parityCount == 2, "a second parity is asked of %d", parityCount);
        return wrapped(memberOfP(stripe) + 1);
    }

    /// The member that holds a data chunk of a stripe.
    public int memberOfData(long stripe, int dataIndex) {
        assert dataIndex >= 0 && dataIndex < dataCount : dataIndex;
        // At most twice the number of members: the sum stays in range.
        return (int) (((long) memberOfP(stripe) + parityCount + dataIndex) % memberCount);
    }

    /// Which data chunk of a stripe a member holds; -1 if it holds parity.
    public int dataIndexOf(long stripe, int member) {
        int behindP = Math.floorMod(member - memberOfP(stripe), memberCount);
        return behindP < parityCount ? -1 : behindP - parityCount;
    }

    /// Where in the array a byte of a member is; -1 if it is parity.
    public long arrayOffset(int member, long memberOffsetBytes) {
        long stripe = stripeOfMember(memberOffsetBytes);
        int dataIndex = dataIndexOf(stripe, member);
        return dataIndex < 0
                ? -1
                : startOf(stripe)
                        + ((long) dataIndex << chunkShift)
                        + (memberOffsetBytes & (chunkBytes - 1));
    }

    /// Whether a range, not empty, lies within one chunk.
    public boolean isWithinChunk(long offsetBytes, long lengthBytes) {
        return lengthBytes <= chunkBytes - (offsetBytes & (chunkBytes - 1));
    }

    /// Whether a range is all of one stripe or of several that follow one another.
    public boolean isFullStripes(long offsetBytes, long lengthBytes) {
        return lengthBytes > 0 && offsetBytes % stripeBytes == 0 && lengthBytes % stripeBytes == 0;
    }

    private int wrapped(int member) {
        return member == memberCount ? 0 : member;
    }
}

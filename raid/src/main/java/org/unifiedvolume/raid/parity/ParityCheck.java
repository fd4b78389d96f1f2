package org.unifiedvolume.raid.parity;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// Compares stored parity with what the data makes, and finds the chunk to blame.
///
/// A wrong data chunk z that is off by e makes P off by e and Q by `2^z * e`; so every byte that
/// does not fit names its z, and they all have to agree. For one stripe, on one thread.
final class ParityCheck {
    private static final int BLOCK_BYTES = 16 << 10;

    /// Where expected parity is made: P, then Q.
    private static final ThreadLocal<MemorySegment> EXPECTED =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(2 * BLOCK_BYTES, 64));

    private static final Verdict CONSISTENT = new Verdict.Consistent();
    private static final Verdict UNEXPLAINED = new Verdict.Unexplained();

    private final ParityKernel kernel;
    private final int dataCount;
    private Verdict verdict = CONSISTENT;

    ParityCheck(ParityKernel kernel, int dataCount) {
        this.kernel = kernel;
        this.dataCount = dataCount;
    }

    Verdict verdict() {
        return verdict;
    }

    /// Compares a run of data and P.
    ///
    /// @return whether there is more to find out
    boolean compareP(Strip[] strips, long offset, long lengthBytes) {
        Strip[] data = Arrays.copyOf(strips, dataCount);
        MemorySegment expected = EXPECTED.get();
        for (long from = 0; from < lengthBytes; from += BLOCK_BYTES) {
            long length = Math.min(BLOCK_BYTES, lengthBytes - from);
            kernel.generateP(data, new Strip(expected, -from), from, length);
            if (!isEqual(expected, 0, strips[dataCount], from, length)) {
                verdict = new Verdict.WrongP();
                return false;
            }
        }
        return true;
    }

    /// Compares a run of data and Q.
    ///
    /// @return whether there is more to find out
    boolean compareQ(Strip[] strips, long offset, long lengthBytes) {
        Strip[] data = Arrays.copyOf(strips, dataCount);
        MemorySegment expected = EXPECTED.get();
        for (long from = 0; from < lengthBytes; from += BLOCK_BYTES) {
            long length = Math.min(BLOCK_BYTES, lengthBytes - from);
            kernel.generateQ(data, new Strip(expected, -from), from, length);
            if (!isEqual(expected, 0, strips[dataCount], from, length)) {
                verdict = new Verdict.WrongQ();
                return false;
            }
        }
        return true;
    }

    /// Compares a run of data, P and Q.
    ///
    /// @return whether there is more to find out
    boolean comparePQ(Strip[] strips, long offset, long lengthBytes) {
        Strip[] data = Arrays.copyOf(strips, dataCount);
        Strip p = strips[dataCount];
        Strip q = strips[dataCount + 1];
        MemorySegment expected = EXPECTED.get();
        for (long from = 0; from < lengthBytes; from += BLOCK_BYTES) {
            long length = Math.min(BLOCK_BYTES, lengthBytes - from);
            Strip expectedP = new Strip(expected, -from);
            Strip expectedQ = new Strip(expected, BLOCK_BYTES - from);
            kernel.generatePQ(data, expectedP, expectedQ, from, length);
            if (!isEqual(expected, 0, p, from, length)
                    || !isEqual(expected, BLOCK_BYTES, q, from, length)) {
                for (long at = from; at < from + length; at++) {
                    blame(expectedP.byteAt(at) ^ p.byteAt(at), expectedQ.byteAt(at) ^ q.byteAt(at));
                }
            }
            if (verdict.equals(UNEXPLAINED)) {
                return false;
            }
        }
        return true;
    }

    /// Takes in by how much the parity of one byte is off.
    private void blame(int offP, int offQ) {
        if (offP == 0 && offQ == 0) {
            return;
        }
        Verdict ofByte = explain(offP, offQ);
        verdict = verdict.equals(CONSISTENT) || verdict.equals(ofByte) ? ofByte : UNEXPLAINED;
    }

    private Verdict explain(int offP, int offQ) {
        if (offQ == 0) {
            return new Verdict.WrongP();
        }
        if (offP == 0) {
            return new Verdict.WrongQ();
        }
        int dataIndex =
                GaloisField.logarithm(GaloisField.multiply(offQ, GaloisField.inverse(offP)));
        return dataIndex < dataCount ? new Verdict.WrongData(dataIndex) : UNEXPLAINED;
    }

    private static boolean isEqual(
            MemorySegment expected, long start, Strip stored, long from, long length) {
        long storedStart = stored.offsetBytes() + from;
        return MemorySegment.mismatch(
                        expected,
                        start,
                        start + length,
                        stored.memory(),
                        storedStart,
                        storedStart + length)
                == -1;
    }
}

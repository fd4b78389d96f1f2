package org.unifiedvolume.raid.parity;

import java.util.Arrays;

/// Parity in plain Java, eight bytes at a time.
///
/// The sums of a block are gathered in arrays on the heap that stay in the first-level cache, and
/// stored at the block's end. That is for the compiler's sake: it turns loops that read memory
/// outside the heap into vector instructions only if they write somewhere else. With stores outside
/// the heap, the same loops take seven times as long.
final class LoopKernel implements ParityKernel {
    private static final int BLOCK_BYTES = 8 * LongLoops.BLOCK_WORDS;

    private static final ThreadLocal<Sums> SUMS = ThreadLocal.withInitial(Sums::new);

    @Override
    public String name() {
        return "loops";
    }

    @Override
    public void generateP(Strip[] data, Strip p, long from, long length) {
        long[] sums = SUMS.get().p;
        Strip[] sources = Strip.present(data);
        long end = from + wholeWords(length);
        for (long at = from; at < end; at += BLOCK_BYTES) {
            int words = wordsOfBlock(at, end);
            sumP(sources, at, sums, words);
            LongLoops.store(sums, p, at, words);
        }
        for (long at = end; at < from + length; at++) {
            p.setByte(at, byteOfP(data, at));
        }
    }

    private static void sumP(Strip[] sources, long at, long[] p, int words) {
        int next;
        if (sources.length >= 4) {
            LongLoops.sum(sources[0], sources[1], sources[2], sources[3], at, p, words);
            next = 4;
        } else if (sources.length > 0) {
            LongLoops.load(sources[0], at, p, words);
            next = 1;
        } else {
            Arrays.fill(p, 0, words, 0);
            next = 0;
        }
        for (int i = next; i < sources.length; i++) {
            LongLoops.add(p, sources[i], at, words);
        }
    }

    @Override
    public void generateQ(Strip[] data, Strip q, long from, long length) {
        long[] sums = SUMS.get().q;
        long end = from + wholeWords(length);
        for (long at = from; at < end; at += BLOCK_BYTES) {
            int words = wordsOfBlock(at, end);
            sumQ(data, at, sums, words);
            LongLoops.store(sums, q, at, words);
        }
        for (long at = end; at < from + length; at++) {
            q.setByte(at, byteOfQ(data, at));
        }
    }

    /// Horner's rule: from the last index to the first, doubling what there is and adding the next.
    private static void sumQ(Strip[] data, long at, long[] q, int words) {
        int first = lastPresent(data);
        if (first < 0) {
            Arrays.fill(q, 0, words, 0);
            return;
        }
        LongLoops.load(data[first], at, q, words);
        for (int i = first - 1; i >= 0; i--) {
            if (data[i] == null) {
                LongLoops.twice(q, words);
            } else {
                LongLoops.twiceAdd(q, data[i], at, words);
            }
        }
    }

    @Override
    public void generatePQ(Strip[] data, Strip p, Strip q, long from, long length) {
        Sums sums = SUMS.get();
        long end = from + wholeWords(length);
        for (long at = from; at < end; at += BLOCK_BYTES) {
            int words = wordsOfBlock(at, end);
            sumPQ(data, at, sums, words);
            LongLoops.store(sums.p, p, at, words);
            LongLoops.store(sums.q, q, at, words);
        }
        for (long at = end; at < from + length; at++) {
            int byteOfP = byteOfP(data, at);
            q.setByte(at, byteOfQ(data, at));
            p.setByte(at, byteOfP);
        }
    }

    private static void sumPQ(Strip[] data, long at, Sums sums, int words) {
        long[] p = sums.p;
        long[] q = sums.q;
        int first = lastPresent(data);
        if (first < 0) {
            Arrays.fill(p, 0, words, 0);
            Arrays.fill(q, 0, words, 0);
            return;
        }
        LongLoops.load(data[first], at, p, words);
        System.arraycopy(p, 0, q, 0, words);
        int i = first - 1;
        while (i >= 0) {
            if (data[i] == null) {
                LongLoops.twice(q, words);
                i--;
            } else if (i > 0 && data[i - 1] != null) {
                LongLoops.addAndTwiceAdd(p, q, data[i], data[i - 1], at, words);
                i -= 2;
            } else {
                LongLoops.addAndTwiceAdd(p, q, data[i], at, words);
                i--;
            }
        }
    }

    @Override
    public void multiply(int factor, Strip a, Strip b, Strip target, long from, long length) {
        Sums sums = SUMS.get();
        long end = from + wholeWords(length);
        for (long at = from; at < end; at += BLOCK_BYTES) {
            int words = wordsOfBlock(at, end);
            product(factor, a, b, at, sums, words);
            LongLoops.store(sums.p, target, at, words);
        }
        for (long at = end; at < from + length; at++) {
            target.setByte(at, byteOfProduct(factor, a, b, at));
        }
    }

    @Override
    public void multiplyAdd(int factor, Strip a, Strip b, Strip target, long from, long length) {
        Sums sums = SUMS.get();
        long end = from + wholeWords(length);
        for (long at = from; at < end; at += BLOCK_BYTES) {
            int words = wordsOfBlock(at, end);
            product(factor, a, b, at, sums, words);
            LongLoops.add(sums.p, target, at, words);
            LongLoops.store(sums.p, target, at, words);
        }
        for (long at = end; at < from + length; at++) {
            target.setByte(at, byteOfProduct(factor, a, b, at) ^ target.byteAt(at));
        }
    }

    /// Leaves the product in the first of the sums.
    private static void product(int factor, Strip a, Strip b, long at, Sums sums, int words) {
        long[] sum = factor == 1 ? sums.p : sums.q;
        LongLoops.load(a, at, sum, words);
        if (b != null) {
            LongLoops.add(sum, b, at, words);
        }
        if (factor != 1) {
            LongLoops.multiply(sum, factor, sums.p, words);
        }
    }

    /// The highest index of data that is not missing; negative if there is none.
    private static int lastPresent(Strip[] data) {
        int i = data.length - 1;
        while (i >= 0 && data[i] == null) {
            i--;
        }
        return i;
    }

    private static long wholeWords(long length) {
        return length & -8;
    }

    private static int wordsOfBlock(long at, long end) {
        return (int) Math.min(LongLoops.BLOCK_WORDS, (end - at) >> 3);
    }

    private static int byteOfP(Strip[] data, long at) {
        int sum = 0;
        for (Strip strip : data) {
            sum ^= strip == null ? 0 : strip.byteAt(at);
        }
        return sum;
    }

    private static int byteOfQ(Strip[] data, long at) {
        int sum = 0;
        for (int i = data.length - 1; i >= 0; i--) {
            sum = GaloisField.multiply(2, sum) ^ (data[i] == null ? 0 : data[i].byteAt(at));
        }
        return sum;
    }

    private static int byteOfProduct(int factor, Strip a, Strip b, long at) {
        return GaloisField.multiply(factor, a.byteAt(at) ^ (b == null ? 0 : b.byteAt(at)));
    }

    /// The sums of one block, as each thread has them.
    private static final class Sums {
        final long[] p = new long[LongLoops.BLOCK_WORDS];
        final long[] q = new long[LongLoops.BLOCK_WORDS];
    }
}

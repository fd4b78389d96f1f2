package org.unifiedvolume.raid.parity;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/// Loops over arrays of eight bytes each, written so that the compiler makes vector instructions of
/// them: counted, without branches, storing to arrays only.
///
/// A strip's words begin `at` bytes behind its begin. The order of bytes within a word does not
/// matter, as each byte is an element of its own.
final class LongLoops {
    /// As many words as an array has: 4 KiB, so that several arrays fit in the first-level cache.
    static final int BLOCK_WORDS = 512;

    private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED;

    /// A 1 in each byte.
    private static final long ONES = 0x0101010101010101L;

    /// What stays in each byte after a shift to the left by one.
    private static final long UPPER_SEVEN = 0xfefefefefefefefeL;

    private static final long REDUCTIONS = GaloisField.REDUCTION * ONES;

    private LongLoops() {}

    static void load(Strip source, long at, long[] target, int words) {
        MemorySegment.copy(source.memory(), WORD, source.offsetBytes() + at, target, 0, words);
    }

    static void store(long[] source, Strip target, long at, int words) {
        MemorySegment.copy(source, 0, target.memory(), WORD, target.offsetBytes() + at, words);
    }

    /// Adds memory to an array.
    static void add(long[] sum, Strip source, long at, int words) {
        MemorySegment memory = source.memory();
        long start = source.offsetBytes() + at;
        for (int i = 0; i < words; i++) {
            sum[i] ^= memory.get(WORD, start + 8L * i);
        }
    }

    /// Makes an array the sum of four runs of memory, read side by side as the processor fetches
    /// ahead best.
    static void sum(Strip a, Strip b, Strip c, Strip d, long at, long[] sum, int words) {
        MemorySegment memoryA = a.memory();
        MemorySegment memoryB = b.memory();
        MemorySegment memoryC = c.memory();
        MemorySegment memoryD = d.memory();
        long startA = a.offsetBytes() + at;
        long startB = b.offsetBytes() + at;
        long startC = c.offsetBytes() + at;
        long startD = d.offsetBytes() + at;
        for (int i = 0; i < words; i++) {
            sum[i] =
                    memoryA.get(WORD, startA + 8L * i)
                            ^ memoryB.get(WORD, startB + 8L * i)
                            ^ memoryC.get(WORD, startC + 8L * i)
                            ^ memoryD.get(WORD, startD + 8L * i);
        }
    }

    /// Doubles the bytes of an array.
    static void twice(long[] sum, int words) {
        for (int i = 0; i < words; i++) {
            sum[i] = twice(sum[i]);
        }
    }

    /// Doubles the bytes of an array, then adds memory.
    static void twiceAdd(long[] sum, Strip source, long at, int words) {
        MemorySegment memory = source.memory();
        long start = source.offsetBytes() + at;
        for (int i = 0; i < words; i++) {
            sum[i] = twice(sum[i]) ^ memory.get(WORD, start + 8L * i);
        }
    }

    /// [#add] to one array and [#twiceAdd] to another one.
    static void addAndTwiceAdd(long[] p, long[] q, Strip source, long at, int words) {
        MemorySegment memory = source.memory();
        long start = source.offsetBytes() + at;
        for (int i = 0; i < words; i++) {
            long word = memory.get(WORD, start + 8L * i);
            p[i] ^= word;
            q[i] = twice(q[i]) ^ word;
        }
    }

    /// The same with two sources, one after the other.
    static void addAndTwiceAdd(long[] p, long[] q, Strip source, Strip next, long at, int words) {
        MemorySegment memory = source.memory();
        MemorySegment nextMemory = next.memory();
        long start = source.offsetBytes() + at;
        long nextStart = next.offsetBytes() + at;
        for (int i = 0; i < words; i++) {
            long word = memory.get(WORD, start + 8L * i);
            long nextWord = nextMemory.get(WORD, nextStart + 8L * i);
            p[i] ^= word ^ nextWord;
            q[i] = twice(twice(q[i]) ^ word) ^ nextWord;
        }
    }

    /// Makes the bytes of `product` those of `words` times `factor`: the sum over the bits of a
    /// byte of what each is worth. Two bits for each loop, as the compiler leaves longer loops as
    /// they are.
    static void multiply(long[] words, int factor, long[] product, int count) {
        long worth = factor * ONES;
        Arrays.fill(product, 0, count, 0);
        for (int bit = 0; bit < Byte.SIZE; bit += 2) {
            long nextWorth = twice(worth);
            addProducts(words, bit, worth, nextWorth, product, count);
            worth = twice(nextWorth);
        }
    }

    private static void addProducts(
            long[] words, int bit, long worth, long nextWorth, long[] product, int count) {
        for (int i = 0; i < count; i++) {
            long shifted = words[i] >>> bit;
            product[i] ^= (spread(shifted) & worth) ^ (spread(shifted >>> 1) & nextWorth);
        }
    }

    private static long twice(long word) {
        return ((word << 1) & UPPER_SEVEN) ^ (spread(word >>> 7) & REDUCTIONS);
    }

    /// The lowest bit of each byte, in all bits of that byte.
    private static long spread(long word) {
        long lowest = word & ONES;
        return (lowest << 8) - lowest;
    }
}

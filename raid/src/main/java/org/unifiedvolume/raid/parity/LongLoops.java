package org.unifiedvolume.raid.parity;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

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

    static void add(long[] sum, Strip source, Strip other, long at, int words) {
        MemorySegment memory = source.memory();
        MemorySegment otherMemory = other.memory();
        long start = source.offsetBytes() + at;
        long otherStart = other.offsetBytes() + at;
        for (int i = 0; i < words; i++) {
            sum[i] ^= memory.get(WORD, start + 8L * i) ^ otherMemory.get(WORD, otherStart + 8L * i);
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

    /// Multiplies the bytes of an array: for each bit of a byte, what that bit is worth.
    static void multiply(long[] words, int factor, int count) {
        long by1 = factor * ONES;
        long by2 = twice(by1);
        long by4 = twice(by2);
        long by8 = twice(by4);
        long by16 = twice(by8);
        long by32 = twice(by16);
        long by64 = twice(by32);
        long by128 = twice(by64);
        for (int i = 0; i < count; i++) {
            long word = words[i];
            words[i] =
                    (spread(word) & by1)
                            ^ (spread(word >>> 1) & by2)
                            ^ (spread(word >>> 2) & by4)
                            ^ (spread(word >>> 3) & by8)
                            ^ (spread(word >>> 4) & by16)
                            ^ (spread(word >>> 5) & by32)
                            ^ (spread(word >>> 6) & by64)
                            ^ (spread(word >>> 7) & by128);
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

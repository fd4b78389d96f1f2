package org.unifiedvolume.raid.parity;

import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.XOR;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.VectorSpecies;

/// Parity on the Vector API: sums stay in registers from the first source to the last.
///
/// Only for a JVM that was started with the module `jdk.incubator.vector`, and with the optimizing
/// compiler on; without it, each vector is an object.
final class VectorKernel implements ParityKernel {
    private static final VectorSpecies<Byte> SPECIES = ByteVector.SPECIES_PREFERRED;
    private static final int LANES = SPECIES.length();
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();

    /// The fewest lanes that hold a table of all values of half a byte.
    private static final int NIBBLES = 16;

    /// For what is left behind the last whole vector.
    private final LoopKernel rest = new LoopKernel();

    /// Whether the processor's vectors are long enough for this kernel.
    static boolean isSupported() {
        return LANES >= NIBBLES;
    }

    @Override
    public String name() {
        return "vectors of %d bits".formatted(SPECIES.vectorBitSize());
    }

    @Override
    public void generateP(Strip[] data, Strip p, long from, long length) {
        Strip[] sources = Strip.present(data);
        long end = from + wholeVectors(length);
        long at = from;
        // Four at once: looking up where a source is costs as much as a vector.
        for (; at + 4L * LANES <= end; at += 4L * LANES) {
            ByteVector first = ByteVector.zero(SPECIES);
            ByteVector second = first;
            ByteVector third = first;
            ByteVector fourth = first;
            for (Strip source : sources) {
                first = first.lanewise(XOR, load(source, at));
                second = second.lanewise(XOR, load(source, at + LANES));
                third = third.lanewise(XOR, load(source, at + 2L * LANES));
                fourth = fourth.lanewise(XOR, load(source, at + 3L * LANES));
            }
            store(first, p, at);
            store(second, p, at + LANES);
            store(third, p, at + 2L * LANES);
            store(fourth, p, at + 3L * LANES);
        }
        for (; at < end; at += LANES) {
            ByteVector sum = ByteVector.zero(SPECIES);
            for (Strip source : sources) {
                sum = sum.lanewise(XOR, load(source, at));
            }
            store(sum, p, at);
        }
        rest.generateP(data, p, end, from + length - end);
    }

    @Override
    public void generateQ(Strip[] data, Strip q, long from, long length) {
        long end = from + wholeVectors(length);
        for (long at = from; at < end; at += LANES) {
            ByteVector sum = ByteVector.zero(SPECIES);
            for (int i = data.length - 1; i >= 0; i--) {
                sum = twice(sum);
                if (data[i] != null) {
                    sum = sum.lanewise(XOR, load(data[i], at));
                }
            }
            store(sum, q, at);
        }
        rest.generateQ(data, q, end, from + length - end);
    }

    @Override
    public void generatePQ(Strip[] data, Strip p, Strip q, long from, long length) {
        long end = from + wholeVectors(length);
        long at = from;
        for (; at + 2L * LANES <= end; at += 2L * LANES) {
            ByteVector firstP = ByteVector.zero(SPECIES);
            ByteVector secondP = firstP;
            ByteVector firstQ = firstP;
            ByteVector secondQ = firstP;
            for (int i = data.length - 1; i >= 0; i--) {
                firstQ = twice(firstQ);
                secondQ = twice(secondQ);
                if (data[i] != null) {
                    ByteVector first = load(data[i], at);
                    ByteVector second = load(data[i], at + LANES);
                    firstP = firstP.lanewise(XOR, first);
                    secondP = secondP.lanewise(XOR, second);
                    firstQ = firstQ.lanewise(XOR, first);
                    secondQ = secondQ.lanewise(XOR, second);
                }
            }
            store(firstP, p, at);
            store(secondP, p, at + LANES);
            store(firstQ, q, at);
            store(secondQ, q, at + LANES);
        }
        if (at < end) {
            ByteVector sumP = ByteVector.zero(SPECIES);
            ByteVector sumQ = sumP;
            for (int i = data.length - 1; i >= 0; i--) {
                sumQ = twice(sumQ);
                if (data[i] != null) {
                    ByteVector source = load(data[i], at);
                    sumP = sumP.lanewise(XOR, source);
                    sumQ = sumQ.lanewise(XOR, source);
                }
            }
            store(sumP, p, at);
            store(sumQ, q, at);
        }
        rest.generatePQ(data, p, q, end, from + length - end);
    }

    @Override
    public void multiply(int factor, Strip a, Strip b, Strip target, long from, long length) {
        ByteVector low = products(factor, 0);
        ByteVector high = products(factor, 4);
        long end = from + wholeVectors(length);
        for (long at = from; at < end; at += LANES) {
            store(product(low, high, a, b, at), target, at);
        }
        rest.multiply(factor, a, b, target, end, from + length - end);
    }

    @Override
    public void multiplyAdd(int factor, Strip a, Strip b, Strip target, long from, long length) {
        ByteVector low = products(factor, 0);
        ByteVector high = products(factor, 4);
        long end = from + wholeVectors(length);
        for (long at = from; at < end; at += LANES) {
            ByteVector product = product(low, high, a, b, at);
            store(load(target, at).lanewise(XOR, product), target, at);
        }
        rest.multiplyAdd(factor, a, b, target, end, from + length - end);
    }

    private static ByteVector twice(ByteVector vector) {
        ByteVector doubled = vector.add(vector);
        return doubled.lanewise(XOR, (byte) GaloisField.REDUCTION, vector.compare(LT, (byte) 0));
    }

    /// Half a byte at a time, looked up in tables that fit in a register.
    private static ByteVector product(ByteVector low, ByteVector high, Strip a, Strip b, long at) {
        ByteVector sum = load(a, at);
        if (b != null) {
            sum = sum.lanewise(XOR, load(b, at));
        }
        ByteVector lower = sum.and((byte) 0xf);
        ByteVector upper =
                sum.reinterpretAsInts().lanewise(LSHR, 4).reinterpretAsBytes().and((byte) 0xf);
        return lower.selectFrom(low).lanewise(XOR, upper.selectFrom(high));
    }

    /// The products of `factor` and all values of half a byte, shifted to its place in the byte.
    private static ByteVector products(int factor, int shift) {
        byte[] table = new byte[LANES];
        for (int i = 0; i < LANES; i++) {
            table[i] = (byte) GaloisField.multiply(factor, i % NIBBLES << shift);
        }
        return ByteVector.fromArray(SPECIES, table, 0);
    }

    private static ByteVector load(Strip strip, long at) {
        MemorySegment memory = strip.memory();
        return ByteVector.fromMemorySegment(SPECIES, memory, strip.offsetBytes() + at, ORDER);
    }

    private static void store(ByteVector vector, Strip strip, long at) {
        vector.intoMemorySegment(strip.memory(), strip.offsetBytes() + at, ORDER);
    }

    private static long wholeVectors(long length) {
        return length & -LANES;
    }
}

package org.unifiedvolume.raid.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.parity.Parity;
import org.unifiedvolume.raid.parity.ParityKernels;
import org.unifiedvolume.raid.parity.Verdict;

/// How fast parity over four data chunks of 64 KiB is made, mended and checked on one CPU, beside
/// copying memory.
///
/// The column `gigabytes` of the result is 10^9 bytes of data per second: four chunks for each
/// stripe, whatever else is read or written; for `copy` the four chunks that are copied. `HOT`
/// works on one stripe again and again, which fits in the second-level cache; `MEMORY` on 4,096
/// stripes one after the other, which are 1.5 GiB.
///
/// ```
/// mvn -q -Pbench -pl raid -am -DskipTests package
/// java --add-modules=jdk.incubator.vector \
///   -cp raid/target/test-classes:raid/target/classes:$(cat raid/target/bench.classpath) \
///   org.openjdk.jmh.Main ParityBenchmark
/// ```
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-XX:+UseSerialGC"})
public class ParityBenchmark {
    private static final int DATA = 4;
    private static final int CHUNK_BYTES = 64 << 10;

    /// Where the stripes come from.
    public enum Place {
        HOT(1),
        MEMORY(4096);

        private final int stripes;

        Place(int stripes) {
            this.stripes = stripes;
        }
    }

    /// Which kernel does the work.
    public enum Kernel {
        LOOPS,
        VECTORS
    }

    /// Stripes in memory, P and Q behind the data, and which one is next.
    @State(Scope.Thread)
    public static class Stripes {
        @Param Place place;

        private final Arena arena = Arena.ofShared();
        private MemorySegment memory;
        private Buffers[][] data;
        private Buffers[] p;
        private Buffers[] q;
        private int next;

        /// Fills them.
        @Setup
        public void fill() {
            long stripeBytes = (DATA + 2L) * CHUNK_BYTES;
            memory = arena.allocate(place.stripes * stripeBytes, 4096);
            SplittableRandom random = new SplittableRandom(1);
            for (long at = 0; at < memory.byteSize(); at += 8) {
                memory.set(ValueLayout.JAVA_LONG, at, random.nextLong());
            }
            data = new Buffers[place.stripes][DATA];
            p = new Buffers[place.stripes];
            q = new Buffers[place.stripes];
            for (int stripe = 0; stripe < place.stripes; stripe++) {
                long start = stripe * stripeBytes;
                for (int i = 0; i < DATA; i++) {
                    data[stripe][i] = chunk(start + (long) i * CHUNK_BYTES);
                }
                p[stripe] = chunk(start + (long) DATA * CHUNK_BYTES);
                q[stripe] = chunk(start + (DATA + 1L) * CHUNK_BYTES);
                new Parity(ParityKernels.loops()).generate(data[stripe], p[stripe], q[stripe]);
            }
        }

        private Buffers chunk(long offset) {
            return Buffers.outsidePool(memory.asSlice(offset, CHUNK_BYTES));
        }

        int next() {
            next = next + 1 == place.stripes ? 0 : next + 1;
            return next;
        }

        /// Gives the memory back.
        @TearDown
        public void close() {
            arena.close();
        }
    }

    /// The arithmetic under test.
    @State(Scope.Thread)
    public static class Arithmetic {
        @Param Kernel kernel;

        private Parity parity;

        /// Makes it.
        @Setup
        public void make() {
            parity =
                    new Parity(
                            switch (kernel) {
                                case LOOPS -> ParityKernels.loops();
                                case VECTORS -> ParityKernels.fastest();
                            });
        }
    }

    /// How much data went through.
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.OPERATIONS)
    public static class Rate {
        public double gigabytes;

        /// Starts anew.
        @Setup(Level.Iteration)
        public void reset() {
            gigabytes = 0;
        }

        void stripe() {
            gigabytes += (double) DATA * CHUNK_BYTES / 1e9;
        }
    }

    /// `memcpy` of the data, two chunks to the other two, twice.
    @Benchmark
    public void copy(Stripes stripes, Rate rate) {
        MemorySegment memory = stripes.memory;
        long start = stripes.next() * (DATA + 2L) * CHUNK_BYTES;
        long half = DATA / 2L * CHUNK_BYTES;
        MemorySegment.copy(memory, start, memory, start + half, half);
        MemorySegment.copy(memory, start + half, memory, start, half);
        rate.stripe();
    }

    /// P.
    @Benchmark
    public void p(Stripes stripes, Arithmetic arithmetic, Rate rate) {
        int i = stripes.next();
        arithmetic.parity.generate(stripes.data[i], stripes.p[i]);
        rate.stripe();
    }

    /// P and Q.
    @Benchmark
    public void pAndQ(Stripes stripes, Arithmetic arithmetic, Rate rate) {
        int i = stripes.next();
        arithmetic.parity.generate(stripes.data[i], stripes.p[i], stripes.q[i]);
        rate.stripe();
    }

    /// Two data chunks of the four.
    @Benchmark
    public void recoverTwo(Stripes stripes, Arithmetic arithmetic, Rate rate) {
        int i = stripes.next();
        arithmetic.parity.recoverTwo(stripes.data[i], 1, 2, stripes.p[i], stripes.q[i]);
        rate.stripe();
    }

    /// Comparing with P and Q.
    @Benchmark
    public Verdict check(Stripes stripes, Arithmetic arithmetic, Rate rate) {
        int i = stripes.next();
        rate.stripe();
        return arithmetic.parity.check(stripes.data[i], stripes.p[i], stripes.q[i]);
    }
}

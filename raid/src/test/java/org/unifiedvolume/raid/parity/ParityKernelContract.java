package org.unifiedvolume.raid.parity;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.testkit.Seeds;

/// What every kernel keeps, against [SlowReference]: any number of sources, also missing ones, odd
/// lengths, any alignment; and not a byte is written beside the target.
abstract class ParityKernelContract {
    private static final int ROUNDS = 150;

    private final ParityKernel kernel;

    ParityKernelContract(ParityKernel kernel) {
        this.kernel = kernel;
    }

    @Test
    void parityIsThatOfTheDefinition() {
        eachSeed(
                "parityIsThatOfTheDefinition",
                random -> {
                    try (Arena arena = Arena.ofConfined()) {
                        Stripe stripe = new Stripe(arena, random, dataCount(random));
                        stripe.forget(random);
                        byte[] p = SlowReference.p(stripe.parts(), stripe.length);
                        byte[] q = SlowReference.q(stripe.parts(), stripe.length);
                        Target both = stripe.target(arena, random);
                        Target andQ = stripe.target(arena, random);
                        kernel.generatePQ(
                                stripe.strips, both.strip, andQ.strip, stripe.from, stripe.length);
                        both.check(p);
                        andQ.check(q);
                        Target onlyP = stripe.target(arena, random);
                        kernel.generateP(stripe.strips, onlyP.strip, stripe.from, stripe.length);
                        onlyP.check(p);
                        Target onlyQ = stripe.target(arena, random);
                        kernel.generateQ(stripe.strips, onlyQ.strip, stripe.from, stripe.length);
                        onlyQ.check(q);
                        stripe.checkUntouched();
                    }
                });
    }

    @Test
    void productsAreThoseOfPolynomials() {
        eachSeed(
                "productsAreThoseOfPolynomials",
                random -> {
                    try (Arena arena = Arena.ofConfined()) {
                        Stripe stripe = new Stripe(arena, random, 2);
                        if (random.nextInt(4) == 0) {
                            stripe.forget(1);
                        }
                        int factor = random.nextInt(256);
                        byte[] product = SlowReference.p(stripe.parts(), stripe.length);
                        for (int i = 0; i < product.length; i++) {
                            product[i] = (byte) SlowReference.multiply(factor, product[i] & 0xff);
                        }
                        Strip a = stripe.strips[0];
                        Strip b = stripe.strips[1];
                        Target target = stripe.target(arena, random);
                        byte[] sum =
                                SlowReference.p(
                                        new byte[][] {product, target.part()}, product.length);
                        kernel.multiplyAdd(factor, a, b, target.strip, stripe.from, stripe.length);
                        target.check(sum);
                        kernel.multiply(factor, a, b, target.strip, stripe.from, stripe.length);
                        target.check(product);
                        stripe.checkUntouched();
                    }
                });
    }

    @Test
    void everyFactorIsRight() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment all = arena.allocate(256);
            for (int i = 0; i < 256; i++) {
                all.set(ValueLayout.JAVA_BYTE, i, (byte) i);
            }
            for (int factor = 0; factor < 256; factor++) {
                MemorySegment target = arena.allocate(256);
                kernel.multiply(factor, new Strip(all, 0), null, new Strip(target, 0), 0, 256);
                byte[] expected = new byte[256];
                for (int i = 0; i < 256; i++) {
                    expected[i] = (byte) SlowReference.multiply(factor, i);
                }
                assertArrayEquals(expected, target.toArray(ValueLayout.JAVA_BYTE));
            }
        }
    }

    @Test
    void aTargetMayBeASource() {
        eachSeed(
                "aTargetMayBeASource",
                random -> {
                    try (Arena arena = Arena.ofConfined()) {
                        Stripe stripe = new Stripe(arena, random, 2);
                        byte[] sum = SlowReference.p(stripe.parts(), stripe.length);
                        Target p = stripe.asTarget(0);
                        kernel.generateP(stripe.strips, p.strip, stripe.from, stripe.length);
                        p.check(sum);
                        byte[] product = sum.clone();
                        for (int i = 0; i < product.length; i++) {
                            product[i] = (byte) SlowReference.multiply(0x53, sum[i] & 0xff);
                        }
                        kernel.multiply(0x53, p.strip, null, p.strip, stripe.from, stripe.length);
                        p.check(product);
                    }
                });
    }

    private interface Round {
        void run(RandomGenerator random);
    }

    private void eachSeed(String method, Round round) {
        Seeds.each(
                ROUNDS,
                "%s#%s".formatted(getClass().getSimpleName(), method),
                seed -> round.run(Seeds.random(seed)));
    }

    private static int dataCount(RandomGenerator random) {
        return random.nextInt(20) == 0 ? 1 + random.nextInt(255) : 1 + random.nextInt(9);
    }

    /// Random data at random places in memory.
    private static final class Stripe {
        final int length;
        final long from;
        final Strip[] strips;
        private final Target[] contents;

        Stripe(Arena arena, RandomGenerator random, int dataCount) {
            // Around nothing, a vector, a block of the kernels, and several of them.
            length = random.nextInt(new int[] {9, 150, 4200, 13_000}[random.nextInt(4)]);
            from = random.nextInt(3) == 0 ? 0 : random.nextInt(5000);
            contents = new Target[dataCount];
            strips = new Strip[dataCount];
            for (int i = 0; i < dataCount; i++) {
                contents[i] = target(arena, random);
                strips[i] = contents[i].strip;
            }
        }

        void forget(RandomGenerator random) {
            for (int i = 0; i < strips.length; i++) {
                if (random.nextInt(5) == 0) {
                    forget(i);
                }
            }
        }

        void forget(int index) {
            strips[index] = null;
        }

        Target target(Arena arena, RandomGenerator random) {
            return new Target(arena, random, from, length);
        }

        Target asTarget(int index) {
            return contents[index];
        }

        byte[][] parts() {
            byte[][] parts = new byte[strips.length][];
            for (int i = 0; i < parts.length; i++) {
                parts[i] = strips[i] == null ? null : contents[i].part();
            }
            return parts;
        }

        void checkUntouched() {
            for (Target content : contents) {
                content.check(content.part());
            }
        }
    }

    /// Memory of which one part may change.
    private static final class Target {
        final Strip strip;
        private final int start;
        private final int length;
        private final byte[] before;

        Target(Arena arena, RandomGenerator random, long from, int length) {
            int offset = random.nextInt(130);
            this.start = (int) (offset + from);
            this.length = length;
            before = new byte[start + length + random.nextInt(130)];
            random.nextBytes(before);
            strip = new Strip(arena.allocate(Math.max(1, before.length)), offset);
            MemorySegment.copy(before, 0, strip.memory(), ValueLayout.JAVA_BYTE, 0, before.length);
        }

        /// What was there before.
        byte[] part() {
            return Arrays.copyOfRange(before, start, start + length);
        }

        void check(byte[] expected) {
            byte[] all = before.clone();
            System.arraycopy(expected, 0, all, start, length);
            byte[] now = strip.memory().toArray(ValueLayout.JAVA_BYTE);
            assertArrayEquals(all, Arrays.copyOf(now, all.length));
        }
    }
}

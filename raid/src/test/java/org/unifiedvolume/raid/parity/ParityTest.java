package org.unifiedvolume.raid.parity;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.testkit.Seeds;

/// Whole stripes in scattered memory: what is made, mended and found wrong, against
/// [SlowReference].
class ParityTest {
    private static final int ROUNDS = 120;

    @Test
    void madeAndUpdatedParityIsThatOfTheDefinition() {
        eachSeed(
                "madeAndUpdatedParityIsThatOfTheDefinition",
                stripe -> {
                    Buffers p = stripe.garbage();
                    Buffers q = stripe.garbage();
                    stripe.parity.generate(stripe.data(), p);
                    assertArrayEquals(stripe.p(), p.toBytes());
                    p = stripe.garbage();
                    stripe.parity.generate(stripe.data(), p, q);
                    assertArrayEquals(stripe.p(), p.toBytes());
                    assertArrayEquals(stripe.q(), q.toBytes());

                    int changed = stripe.anyIndex();
                    Buffers before = stripe.scattered(stripe.chunks[changed]);
                    Buffers after = stripe.garbage();
                    stripe.chunks[changed] = after.toBytes();
                    Buffers onlyP = stripe.scattered(p.toBytes());
                    stripe.parity.update(before, after, onlyP);
                    stripe.parity.update(changed, before, after, p, q);
                    assertArrayEquals(stripe.newP(), onlyP.toBytes());
                    assertArrayEquals(stripe.newP(), p.toBytes());
                    assertArrayEquals(stripe.newQ(), q.toBytes());
                });
    }

    @Test
    void oneLostChunkComesBackFromEitherParity() {
        eachSeed(
                "oneLostChunkComesBackFromEitherParity",
                stripe -> {
                    int lost = stripe.anyIndex();
                    Buffers[] data = stripe.dataWithout(lost);
                    stripe.parity.recoverFromP(data, lost, stripe.scattered(stripe.p()));
                    assertArrayEquals(stripe.solved(lost)[lost], data[lost].toBytes());
                    data = stripe.dataWithout(lost);
                    stripe.parity.recoverFromQ(data, lost, stripe.scattered(stripe.q()));
                    assertArrayEquals(stripe.solved(lost)[lost], data[lost].toBytes());
                    stripe.checkOthers(data, lost);
                });
    }

    @Test
    void aLostChunkComesBackTogetherWithAParity() {
        eachSeed(
                "aLostChunkComesBackTogetherWithAParity",
                stripe -> {
                    int lost = stripe.anyIndex();
                    Buffers[] data = stripe.dataWithout(lost);
                    Buffers p = stripe.garbage();
                    stripe.parity.recoverWithP(data, lost, p, stripe.scattered(stripe.q()));
                    byte[][] solved = stripe.solved(lost, stripe.count);
                    assertArrayEquals(solved[lost], data[lost].toBytes());
                    assertArrayEquals(solved[stripe.count], p.toBytes());

                    data = stripe.dataWithout(lost);
                    Buffers q = stripe.garbage();
                    stripe.parity.recoverWithQ(data, lost, stripe.scattered(stripe.p()), q);
                    solved = stripe.solved(lost, stripe.count + 1);
                    assertArrayEquals(solved[lost], data[lost].toBytes());
                    assertArrayEquals(solved[stripe.count + 1], q.toBytes());
                    stripe.checkOthers(data, lost);
                });
    }

    @Test
    void twoLostChunksComeBackInEitherOrder() {
        eachSeed(
                "twoLostChunksComeBackInEitherOrder",
                stripe -> {
                    int lost = stripe.anyIndex();
                    int alsoLost =
                            (lost + 1 + stripe.random.nextInt(stripe.count - 1)) % stripe.count;
                    Buffers[] data = stripe.dataWithout(lost, alsoLost);
                    Buffers p = stripe.scattered(stripe.p());
                    Buffers q = stripe.scattered(stripe.q());
                    stripe.parity.recoverTwo(data, lost, alsoLost, p, q);
                    byte[][] solved = stripe.solved(lost, alsoLost);
                    assertArrayEquals(solved[lost], data[lost].toBytes());
                    assertArrayEquals(solved[alsoLost], data[alsoLost].toBytes());
                    assertArrayEquals(stripe.p(), p.toBytes());
                    assertArrayEquals(stripe.q(), q.toBytes());
                    stripe.checkOthers(data, lost, alsoLost);
                });
    }

    @Test
    void aCheckNamesTheOneChunkThatIsWrong() {
        eachSeed(
                "aCheckNamesTheOneChunkThatIsWrong",
                stripe -> {
                    byte[] p = stripe.p();
                    byte[] q = stripe.q();
                    assertEquals(new Verdict.Consistent(), stripe.check(p, q));
                    if (stripe.length == 0) {
                        return;
                    }
                    assertEquals(new Verdict.WrongP(), stripe.check(stripe.damaged(p), q));
                    assertEquals(new Verdict.WrongQ(), stripe.check(p, stripe.damaged(q)));
                    int wrong = stripe.anyIndex();
                    stripe.chunks[wrong] = stripe.damaged(stripe.chunks[wrong]);
                    assertEquals(new Verdict.WrongData(wrong), stripe.check(p, q));
                    assertEquals(false, stripe.checkP(p));
                });
    }

    @Test
    void aCheckBlamesNobodyForTheErrorsOfTwo() {
        eachSeed(
                "aCheckBlamesNobodyForTheErrorsOfTwo",
                stripe -> {
                    if (stripe.length < 2) {
                        return;
                    }
                    byte[] p = stripe.p();
                    byte[] q = stripe.q();
                    int last = stripe.length - 1;
                    int wrong = stripe.anyIndex();
                    int alsoWrong = (wrong + 1) % stripe.count;
                    stripe.chunks[wrong][0] ^= 1;
                    stripe.chunks[alsoWrong][last] ^= 0x40;
                    assertEquals(new Verdict.Unexplained(), stripe.check(p, q));
                    stripe.chunks[alsoWrong][last] ^= 0x40;
                    p[last] ^= 4;
                    assertEquals(new Verdict.Unexplained(), stripe.check(p, q));
                    p[last] ^= 4;
                    q[last] ^= 4;
                    assertEquals(new Verdict.Unexplained(), stripe.check(p, q));
                });
    }

    /// P and Q off by what only a chunk behind the last one could explain.
    @Test
    void aCheckBlamesNoChunkThatIsNotThere() {
        Parity parity = new Parity(ParityKernels.loops());
        try (Arena arena = Arena.ofConfined()) {
            Buffers[] data = new Buffers[3];
            Arrays.setAll(data, _ -> Buffers.outsidePool(arena.allocate(64)));
            byte[] off = new byte[64];
            off[5] = 1;
            Buffers p = Buffers.outsidePool(arena.allocate(64));
            p.copyFrom(0, MemorySegment.ofArray(off), 0, 64);
            off[5] = (byte) SlowReference.power(2, 3);
            Buffers q = Buffers.outsidePool(arena.allocate(64));
            q.copyFrom(0, MemorySegment.ofArray(off), 0, 64);
            assertEquals(new Verdict.Unexplained(), parity.check(data, p, q));
            assertEquals(
                    new Verdict.WrongData(3),
                    parity.check(Arrays.copyOf(data, 4), p, q),
                    "a chunk of zeroes that has one index more");
        }
    }

    @Test
    void stripsOfUnlikeLengthAreRefused() {
        Parity parity = new Parity(ParityKernels.loops());
        try (Arena arena = Arena.ofConfined()) {
            Buffers[] data = {
                Buffers.outsidePool(arena.allocate(64)), Buffers.outsidePool(arena.allocate(65))
            };
            Buffers p = Buffers.outsidePool(arena.allocate(64));
            assertThrows(AssertionError.class, () -> parity.generate(data, p));
        }
    }

    private interface Round {
        void run(Stripe stripe);
    }

    private static void eachSeed(String method, Round round) {
        Seeds.each(
                ROUNDS,
                "ParityTest#" + method,
                seed -> {
                    RandomGenerator random = Seeds.random(seed);
                    try (Arena arena = Arena.ofConfined()) {
                        ParityKernel kernel =
                                random.nextBoolean() ? new LoopKernel() : new VectorKernel();
                        round.run(new Stripe(random, arena, new Parity(kernel)));
                    }
                });
    }

    /// A random stripe as the reference sees it, and copies of it in scattered memory.
    private static final class Stripe {
        final RandomGenerator random;
        final Parity parity;
        final int count;
        final int length;
        final byte[][] chunks;
        private final Arena arena;
        private final byte[] p;
        private final byte[] q;

        Stripe(RandomGenerator random, Arena arena, Parity parity) {
            this.random = random;
            this.arena = arena;
            this.parity = parity;
            count = random.nextInt(15) == 0 ? 255 : 2 + random.nextInt(7);
            length = random.nextInt(new int[] {5, 300, 40_000}[random.nextInt(count > 9 ? 2 : 3)]);
            chunks = new byte[count][length];
            for (byte[] chunk : chunks) {
                random.nextBytes(chunk);
            }
            p = newP();
            q = newQ();
        }

        byte[] p() {
            return p.clone();
        }

        byte[] q() {
            return q.clone();
        }

        byte[] newP() {
            return SlowReference.p(chunks, length);
        }

        byte[] newQ() {
            return SlowReference.q(chunks, length);
        }

        int anyIndex() {
            return random.nextInt(count);
        }

        Buffers[] data() {
            Buffers[] data = new Buffers[count];
            Arrays.setAll(data, i -> scattered(chunks[i]));
            return data;
        }

        Buffers[] dataWithout(int... lost) {
            Buffers[] data = data();
            for (int i : lost) {
                data[i] = garbage();
            }
            return data;
        }

        /// All chunks, P and Q after the lost ones were worked out anew.
        byte[][] solved(int... lost) {
            byte[][] all = Arrays.copyOf(chunks, count + 2);
            all[count] = p();
            all[count + 1] = q();
            for (int i : lost) {
                all[i] = new byte[length];
            }
            SlowReference.solve(all, length, lost);
            return all;
        }

        void checkOthers(Buffers[] data, int... lost) {
            for (int i = 0; i < count; i++) {
                int index = i;
                if (Arrays.stream(lost).noneMatch(other -> other == index)) {
                    assertArrayEquals(chunks[i], data[i].toBytes());
                }
            }
        }

        Verdict check(byte[] storedP, byte[] storedQ) {
            return parity.check(data(), scattered(storedP), scattered(storedQ));
        }

        boolean checkP(byte[] storedP) {
            return parity.check(data(), scattered(storedP));
        }

        /// With one byte or many of them changed.
        byte[] damaged(byte[] chunk) {
            byte[] damaged = chunk.clone();
            int times = random.nextBoolean() ? 1 : 1 + random.nextInt(length);
            int start = random.nextInt(length);
            for (int i = 0; i < times; i++) {
                damaged[(start + i) % length] ^= (byte) (1 + random.nextInt(255));
            }
            return damaged;
        }

        Buffers garbage() {
            byte[] garbage = new byte[length];
            random.nextBytes(garbage);
            return scattered(garbage);
        }

        /// The bytes in one to four slices of any length and alignment.
        Buffers scattered(byte[] bytes) {
            List<Buffers> slices = new ArrayList<>();
            int at = 0;
            for (int left = 1 + random.nextInt(4); left > 0; left--) {
                int part = left == 1 ? length - at : random.nextInt(length - at + 1);
                int before = random.nextInt(70);
                Buffers memory = Buffers.outsidePool(arena.allocate(before + part + 1L));
                memory.copyFrom(before, MemorySegment.ofArray(bytes), at, part);
                slices.add(memory.part(before, part));
                at += part;
            }
            return Buffers.concat(slices.toArray(Buffers[]::new));
        }
    }
}

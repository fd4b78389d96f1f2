package org.unifiedvolume.raid.bitmap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.BitSet;
import java.util.UUID;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.testkit.Seeds;

/// Whatever bytes a member holds, a bitmap loses no dirty region.
class BitmapFuzzTest {
    private static final UUID ARRAY = new UUID(1, 2);
    private static final int REGIONS = BitmapBlocks.REGIONS + 100;
    private static final int INPUTS = 4_000;

    @Test
    void anyBytesAsABitmap() {
        Seeds.each(INPUTS, "BitmapFuzzTest#anyBytesAsABitmap", BitmapFuzzTest::loadBitmap);
    }

    private static void loadBitmap(long seed) {
        RandomGenerator random = Seeds.random(seed);
        BitSet written = new BitSet();
        for (int i = random.nextInt(50); i > 0; i--) {
            written.set(random.nextInt(REGIONS));
        }
        byte[] good = BitmapBlocks.encode(ARRAY, 0, 2, written);
        byte[] input = damage(good, random);
        BitSet before = new BitSet();
        before.set(random.nextInt(REGIONS));
        BitSet dirty = (BitSet) before.clone();
        int bad = BitmapBlocks.decode(ARRAY, input, REGIONS, dirty);
        assertTrue(dirty.length() <= REGIONS, "a region that is not there");
        BitSet lost = (BitSet) written.clone();
        lost.or(before);
        lost.andNot(dirty);
        assertTrue(lost.isEmpty(), "lost regions " + lost);
        boolean isWhole =
                input.length >= good.length
                        && Arrays.equals(input, 0, good.length, good, 0, good.length);
        assertEquals(isWhole, bad == 0);
    }

    private static byte[] damage(byte[] good, RandomGenerator random) {
        byte[] input =
                random.nextInt(8) == 0
                        ? Arrays.copyOf(good, random.nextInt(good.length + 5000))
                        : good.clone();
        for (int i = random.nextInt(4); i > 0 && input.length > 8; i--) {
            int at =
                    random.nextInt(
                            random.nextBoolean() ? Math.min(64, input.length) : input.length);
            switch (random.nextInt(3)) {
                case 0 -> input[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> input[at] = (byte) random.nextInt();
                default -> Arrays.fill(input, at, Math.min(input.length, at + 512), (byte) -1);
            }
        }
        return input;
    }
}

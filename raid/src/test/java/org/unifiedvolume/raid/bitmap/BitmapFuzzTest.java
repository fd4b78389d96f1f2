package org.unifiedvolume.raid.bitmap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.BitSet;
import java.util.UUID;
import java.util.random.RandomGenerator;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.testkit.Seeds;

/// Whatever bytes a member holds, a bitmap loses no dirty region, and a bad-block list is one that
/// can be or is refused. Half of the inputs have a good checksum, so that what is behind it is
/// tried too.
class BitmapFuzzTest {
    private static final UUID ARRAY = new UUID(1, 2);
    private static final int REGIONS = BitmapBlocks.REGIONS + 100;
    private static final long ROWS = 1 << 20;
    private static final int INPUTS = 4_000;

    @Test
    void anyBytesAsABitmap() {
        Seeds.each(INPUTS, "BitmapFuzzTest#anyBytesAsABitmap", BitmapFuzzTest::loadBitmap);
    }

    @Test
    void anyBytesAsABadBlockList() {
        Seeds.each(INPUTS, "BitmapFuzzTest#anyBytesAsABadBlockList", BitmapFuzzTest::decodeList);
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

    private static void decodeList(long seed) {
        RandomGenerator random = Seeds.random(seed);
        BadBlocks list = new BadBlocks(ROWS);
        for (int i = random.nextInt(260); i > 0; i--) {
            list.add(random.nextLong(ROWS - 5000), 1 + random.nextLong(5000));
        }
        byte[] input = damage(list.encode(), random);
        if (input.length >= BadBlocks.BLOCK_BYTES && random.nextBoolean()) {
            CRC32C crc = new CRC32C();
            crc.update(input, 4, BadBlocks.BLOCK_BYTES - 4);
            ByteBuffer.wrap(input).order(ByteOrder.LITTLE_ENDIAN).putInt(0, (int) crc.getValue());
        }
        try {
            BadBlocks read = BadBlocks.decode(input, ROWS);
            long end = -1;
            for (BadBlocks.Range range : read.ranges()) {
                assertTrue(range.row() > end && range.lengthBytes() > 0);
                end = range.row() + range.lengthBytes();
                assertTrue(end <= ROWS);
            }
            int used = 8 + read.ranges().size() * 16;
            assertArrayEquals(
                    Arrays.copyOfRange(input, 4, used), Arrays.copyOfRange(read.encode(), 4, used));
        } catch (DeviceFault refused) {
            assertEquals(DeviceFault.Kind.IO, refused.kind());
        }
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

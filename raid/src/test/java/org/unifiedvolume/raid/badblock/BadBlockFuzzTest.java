package org.unifiedvolume.raid.badblock;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.UUID;
import java.util.random.RandomGenerator;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.testkit.Seeds;

/// Whatever bytes a member holds, a bad-block list is one that can be or is refused. Half of the
/// inputs have a good checksum, so that what is behind it is tried too.
class BadBlockFuzzTest {
    private static final UUID MEMBER = new UUID(1, 2);
    private static final long ROWS = 1 << 20;
    private static final int INPUTS = 4_000;

    @Test
    void anyBytesAsABadBlockList() {
        Seeds.each(INPUTS, "BadBlockFuzzTest#anyBytesAsABadBlockList", BadBlockFuzzTest::decode);
    }

    private static BadBlocks anyList(RandomGenerator random) {
        BadBlocks list = BadBlocks.NONE;
        for (int i = random.nextInt(150); i > 0; i--) {
            BadBlocks more = list.plus(random.nextLong(ROWS - 5000), 1 + random.nextLong(5000));
            list = more.fits() ? more : list;
        }
        return list;
    }

    private static void decode(long seed) {
        RandomGenerator random = Seeds.random(seed);
        byte[] area = BadBlockSlots.empty(MEMBER);
        for (int slot = 0; slot < 2; slot++) {
            byte[] written = BadBlockSlots.encode(MEMBER, 1 + random.nextInt(5), anyList(random));
            System.arraycopy(written, 0, area, slot * written.length, written.length);
        }
        byte[] input = damage(area, random);
        if (input.length >= BadBlockSlots.AREA_BYTES && random.nextBoolean()) {
            sign(input, 0);
            sign(input, BadBlockSlots.SLOT_BYTES);
        }
        try {
            BadBlockSlots.Found read = BadBlockSlots.decode(MEMBER, input, ROWS);
            long end = -1;
            for (BadBlocks.Range range : read.list().ranges()) {
                assertTrue(range.row() > end && range.lengthBytes() > 0);
                end = range.end();
                assertTrue(end <= ROWS);
            }
            int used = 16 + read.list().ranges().size() * 16;
            int from = read.slot() * BadBlockSlots.SLOT_BYTES;
            assertArrayEquals(
                    Arrays.copyOfRange(input, from + 4, from + used),
                    Arrays.copyOfRange(
                            BadBlockSlots.encode(MEMBER, read.sequence(), read.list()), 4, used));
        } catch (DeviceFault refused) {
            assertEquals(DeviceFault.Kind.IO, refused.kind());
        }
    }

    private static void sign(byte[] input, int from) {
        CRC32C crc = new CRC32C();
        byte[] uuid =
                ByteBuffer.allocate(16)
                        .putLong(MEMBER.getMostSignificantBits())
                        .putLong(MEMBER.getLeastSignificantBits())
                        .array();
        crc.update(uuid);
        crc.update(input, from + 4, BadBlockSlots.SLOT_BYTES - 4);
        ByteBuffer.wrap(input).order(ByteOrder.LITTLE_ENDIAN).putInt(from, (int) crc.getValue());
    }

    private static byte[] damage(byte[] good, RandomGenerator random) {
        byte[] input =
                random.nextInt(8) == 0
                        ? Arrays.copyOf(good, random.nextInt(good.length + 5000))
                        : good.clone();
        for (int i = random.nextInt(4); i > 0 && input.length > 8; i--) {
            int slot = random.nextBoolean() || input.length <= 2112 ? 0 : 2048;
            int most = random.nextBoolean() ? Math.min(64, input.length) : input.length - slot;
            int at = slot + random.nextInt(most);
            switch (random.nextInt(3)) {
                case 0 -> input[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> input[at] = (byte) random.nextInt();
                default -> Arrays.fill(input, at, Math.min(input.length, at + 512), (byte) -1);
            }
        }
        return input;
    }
}

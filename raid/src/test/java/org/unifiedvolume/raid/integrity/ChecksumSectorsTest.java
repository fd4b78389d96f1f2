package org.unifiedvolume.raid.integrity;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.UUID;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.testkit.Seeds;

class ChecksumSectorsTest {
    private static final UUID MEMBER = new UUID(5, 6);
    private static final int SECTOR_BYTES = 512;
    private static final int SECTORS = 8;

    private static int[] randomEntries(RandomGenerator random) {
        int[] entries = new int[ChecksumSectors.ENTRIES];
        for (int i = 0; i < entries.length; i++) {
            entries[i] = random.nextInt(4) == 0 ? random.nextInt(3) : random.nextInt();
        }
        return entries;
    }

    private static byte[] encode(long block, int[] entries) {
        byte[] bytes = new byte[ChecksumSectors.BLOCK_BYTES];
        ChecksumSectors.encode(new Checksums(MEMBER), block, entries, MemorySegment.ofArray(bytes));
        return bytes;
    }

    private static int decode(UUID member, long block, byte[] bytes, int[] entries) {
        return ChecksumSectors.decode(
                new Checksums(member),
                block,
                MemorySegment.ofArray(bytes),
                Checksums.ZEROES,
                entries);
    }

    @Test
    void theAreaHasRoomForEveryBlock() {
        assertEquals(4096, ChecksumSectors.areaBytes(1));
        assertEquals(4096, ChecksumSectors.areaBytes(1016L * 4096));
        assertEquals(8192, ChecksumSectors.areaBytes(1016L * 4096 + 1));
        assertTrue(ChecksumSectors.areaBytes(1L << 40) < (1L << 40) / 1000);
    }

    @Test
    void whatWasWrittenIsRead() {
        RandomGenerator random = Seeds.random(1);
        int[] entries = randomEntries(random);
        int[] found = new int[ChecksumSectors.ENTRIES];
        assertEquals(0, decode(MEMBER, 9, encode(9, entries), found));
        assertArrayEquals(entries, found);
    }

    @Test
    void aBlockOfAnotherPlaceOrMemberIsLost() {
        int[] entries = randomEntries(Seeds.random(2));
        byte[] bytes = encode(9, entries);
        int[] lost = new int[ChecksumSectors.ENTRIES];
        Arrays.fill(lost, Checksums.LOST);
        int[] found = new int[ChecksumSectors.ENTRIES];
        assertEquals(SECTORS, decode(MEMBER, 10, bytes, found));
        assertArrayEquals(lost, found);
        assertEquals(SECTORS, decode(new UUID(5, 7), 9, bytes, found));
        assertArrayEquals(lost, found);
    }

    @Test
    void aTornBlockHasTheOldSectorsAndTheNewOnes() {
        RandomGenerator random = Seeds.random(3);
        int[] before = randomEntries(random);
        int[] after = randomEntries(random);
        byte[] torn = encode(4, before);
        System.arraycopy(encode(4, after), 3 * SECTOR_BYTES, torn, 3 * SECTOR_BYTES, SECTOR_BYTES);
        int[] found = new int[ChecksumSectors.ENTRIES];
        assertEquals(0, decode(MEMBER, 4, torn, found));
        int first = 3 * ChecksumSectors.SECTOR_ENTRIES;
        System.arraycopy(after, first, before, first, ChecksumSectors.SECTOR_ENTRIES);
        assertArrayEquals(before, found);
    }

    @Test
    void sectorsThatWereNeverWrittenSayWhatTheSuperblockSays() {
        int[] found = new int[ChecksumSectors.ENTRIES];
        byte[] blank = new byte[ChecksumSectors.BLOCK_BYTES];
        for (int mark : new int[] {Checksums.ZEROES, Checksums.UNKNOWN}) {
            ChecksumSectors.decode(
                    new Checksums(MEMBER), 0, MemorySegment.ofArray(blank), mark, found);
            assertTrue(Arrays.stream(found).allMatch(entry -> entry == mark));
        }
    }

    /// Whatever bytes a member holds: a sector that is not as it was written is lost, the others
    /// are not.
    @Test
    void anyBytes() {
        Seeds.each(
                3000,
                "ChecksumSectorsTest#anyBytes",
                seed -> {
                    RandomGenerator random = Seeds.random(seed);
                    int[] entries = randomEntries(random);
                    byte[] good = encode(1, entries);
                    byte[] input = good.clone();
                    for (int i = 1 + random.nextInt(4); i > 0; i--) {
                        int from = random.nextInt(input.length);
                        int to = Math.min(input.length, from + 1 + random.nextInt(700));
                        if (random.nextBoolean()) {
                            Arrays.fill(input, from, to, (byte) random.nextInt(3));
                        } else {
                            input[from] ^= (byte) (1 << random.nextInt(8));
                        }
                    }
                    check(entries, good, input);
                });
    }

    private static void check(int[] entries, byte[] good, byte[] input) {
        int[] found = new int[ChecksumSectors.ENTRIES];
        int bad = decode(MEMBER, 1, input, found);
        int expectedBad = 0;
        for (int sector = 0; sector < SECTORS; sector++) {
            int from = sector * SECTOR_BYTES;
            int to = from + SECTOR_BYTES;
            boolean isBlank = isZero(input, from, to);
            boolean isSame = Arrays.equals(good, from, to, input, from, to);
            expectedBad += isBlank || isSame ? 0 : 1;
            for (int i = 0; i < ChecksumSectors.SECTOR_ENTRIES; i++) {
                int at = sector * ChecksumSectors.SECTOR_ENTRIES + i;
                int expected = isBlank ? Checksums.ZEROES : isSame ? entries[at] : Checksums.LOST;
                assertEquals(expected, found[at], "entry " + at);
            }
        }
        assertEquals(expectedBad, bad);
    }

    private static boolean isZero(byte[] bytes, int from, int to) {
        for (int i = from; i < to; i++) {
            if (bytes[i] != 0) {
                return false;
            }
        }
        return true;
    }
}

package org.unifiedvolume.raid.integrity;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.testkit.Seeds;

class ChecksumsTest {
    private static final UUID MEMBER = new UUID(0x0123456789abcdefL, 0xfedcba9876543210L);
    private static final int BLOCK = Checksums.BLOCK_BYTES;

    /// CRC32C bit by bit, of the member's UUID in network order, the number of the block
    /// little-endian, and the block.
    private static int slow(UUID member, long number, byte[] bytes, int from, int length) {
        ByteBuffer all = ByteBuffer.allocate(24 + length);
        all.putLong(member.getMostSignificantBits()).putLong(member.getLeastSignificantBits());
        all.order(ByteOrder.LITTLE_ENDIAN).putLong(number).put(bytes, from, length);
        int crc = -1;
        for (byte b : all.array()) {
            crc ^= b & 0xff;
            for (int i = 0; i < 8; i++) {
                crc = (crc >>> 1) ^ ((crc & 1) == 0 ? 0 : 0x82f63b78);
            }
        }
        return ~crc;
    }

    private static byte[] randomBytes(RandomGenerator random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private static Buffers scattered(byte[] bytes, RandomGenerator random) {
        List<Buffers> parts = new ArrayList<>();
        for (int at = 0; at < bytes.length; ) {
            int length = Math.min(bytes.length - at, 1 + random.nextInt(9000));
            int skip = random.nextInt(8);
            MemorySegment memory = Arena.ofAuto().allocate(length + skip);
            MemorySegment.copy(MemorySegment.ofArray(bytes), at, memory, skip, length);
            parts.add(Buffers.outsidePool(memory).part(skip, length));
            at += length;
        }
        return Buffers.concat(parts.toArray(Buffers[]::new));
    }

    @Test
    void areWhatTheFormatSaysHoweverAPayloadIsSliced() {
        Seeds.each(
                20,
                "ChecksumsTest#areWhatTheFormatSaysHoweverAPayloadIsSliced",
                seed -> {
                    RandomGenerator random = Seeds.random(seed);
                    long first = random.nextLong(1L << 40);
                    byte[] bytes = randomBytes(random, (1 + random.nextInt(6)) * BLOCK);
                    int[] found = new Checksums(MEMBER).of(first, scattered(bytes, random));
                    assertEquals(bytes.length / BLOCK, found.length);
                    for (int i = 0; i < found.length; i++) {
                        assertEquals(slow(MEMBER, first + i, bytes, i * BLOCK, BLOCK), found[i]);
                    }
                });
    }

    @Test
    void aBlockFitsItsOwnPlaceOnItsOwnMemberOnly() {
        byte[] bytes = randomBytes(Seeds.random(1), BLOCK);
        Buffers payload = Buffers.outsidePool(MemorySegment.ofArray(bytes));
        Checksums checksums = new Checksums(MEMBER);
        int here = checksums.of(7, payload)[0];
        assertTrue(checksums.fits(7, here, here));
        for (int bit = 0; bit < 32; bit++) {
            assertNotEquals(here, checksums.of(7 ^ (1L << bit), payload)[0]);
        }
        UUID other = new UUID(MEMBER.getMostSignificantBits(), 0);
        assertNotEquals(here, new Checksums(other).of(7, payload)[0]);
    }

    @Test
    void everyFlippedBitIsFound() {
        RandomGenerator random = Seeds.random(2);
        byte[] bytes = randomBytes(random, BLOCK);
        Checksums checksums = new Checksums(MEMBER);
        int here = checksums.of(0, Buffers.outsidePool(MemorySegment.ofArray(bytes)))[0];
        for (int i = 0; i < 2000; i++) {
            int bit = random.nextInt(8 * BLOCK);
            bytes[bit / 8] ^= (byte) (1 << (bit % 8));
            int found = checksums.of(0, Buffers.outsidePool(MemorySegment.ofArray(bytes)))[0];
            assertFalse(checksums.fits(0, here, found), "bit " + bit);
            bytes[bit / 8] ^= (byte) (1 << (bit % 8));
        }
    }

    @Test
    void marksStandForWhatTheySay() {
        Checksums checksums = new Checksums(MEMBER);
        Buffers zeroes = Buffers.outsidePool(MemorySegment.ofArray(new byte[BLOCK]));
        int ofZeroes = checksums.of(3, zeroes)[0];
        assertEquals(ofZeroes, checksums.ofZeroes(3));
        assertTrue(checksums.fits(3, Checksums.ZEROES, ofZeroes));
        assertFalse(checksums.fits(3, Checksums.ZEROES, ofZeroes ^ 1));
        assertTrue(checksums.fits(3, Checksums.UNKNOWN, 12345));
        assertFalse(checksums.fits(3, Checksums.LOST, ofZeroes));
    }
}

package org.unifiedvolume.raid.bitmap;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.unifiedvolume.Invariant;

/// How bits lie in blocks on disk (`docs/on-disk-format.md`, "Write-intent bitmap").
public final class BitmapBlocks {
    public static final int BLOCK_BYTES = 4096;

    private static final int HEADER_BYTES = 8;
    private static final int BITS_BYTES = BLOCK_BYTES - HEADER_BYTES;

    /// How many regions a block tells of.
    static final int REGIONS = BITS_BYTES * Byte.SIZE;

    private static final int WORDS = BITS_BYTES / Long.BYTES;

    private BitmapBlocks() {}

    /// How many blocks tell of some regions.
    public static int count(long regions) {
        return Math.toIntExact((regions + REGIONS - 1) / REGIONS);
    }

    /// Bits as words, room for whole blocks.
    static long[] words(int blocks) {
        return new long[blocks * WORDS];
    }

    /// The block of a region.
    static int blockOf(int region) {
        return region / REGIONS;
    }

    /// The bytes of a block.
    static byte[] encode(UUID array, int block, long[] words) {
        ByteBuffer bytes = ByteBuffer.allocate(BLOCK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(Integer.BYTES, block);
        bytes.position(HEADER_BYTES);
        for (int i = 0; i < WORDS; i++) {
            bytes.putLong(words[block * WORDS + i]);
        }
        bytes.putInt(0, checksum(array, bytes.array(), 0));
        return bytes.array();
    }

    /// Adds the bits of a member's blocks to others. A block that is not what it should be was torn
    /// while it was written: all its bits count as set.
    ///
    /// @return how many blocks were not what they should be
    static int decode(UUID array, byte[] blocks, long[] words) {
        Invariant.check(
                blocks.length == words.length / WORDS * BLOCK_BYTES,
                "bitmap of %d bytes",
                blocks.length);
        ByteBuffer bytes = ByteBuffer.wrap(blocks).order(ByteOrder.LITTLE_ENDIAN);
        int bad = 0;
        for (int block = 0; block * BLOCK_BYTES < blocks.length; block++) {
            int at = block * BLOCK_BYTES;
            boolean isGood =
                    bytes.getInt(at) == checksum(array, blocks, at)
                            && bytes.getInt(at + Integer.BYTES) == block;
            bad += isGood ? 0 : 1;
            for (int i = 0; i < WORDS; i++) {
                long word = isGood ? bytes.getLong(at + HEADER_BYTES + i * Long.BYTES) : -1;
                words[block * WORDS + i] |= word;
            }
        }
        return bad;
    }

    /// CRC32C of a block but for the checksum itself, started with the first bytes of the UUID.
    private static int checksum(UUID array, byte[] blocks, int at) {
        CRC32C crc = new CRC32C();
        long high = array.getMostSignificantBits();
        for (int shift = Long.SIZE - Byte.SIZE; shift >= Integer.SIZE; shift -= Byte.SIZE) {
            crc.update((int) (high >> shift) & 0xff);
        }
        crc.update(blocks, at + Integer.BYTES, BLOCK_BYTES - Integer.BYTES);
        return (int) crc.getValue();
    }
}

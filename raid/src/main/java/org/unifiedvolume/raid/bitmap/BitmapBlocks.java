package org.unifiedvolume.raid.bitmap;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.BitSet;
import java.util.UUID;
import java.util.zip.CRC32C;

/// How bits lie in blocks on disk (`docs/on-disk-format.md`, "Write-intent bitmap").
public final class BitmapBlocks {
    /// How large a block is.
    public static final int BLOCK_BYTES = 4096;

    private static final int NUMBER_OFFSET = 4;
    private static final int BITS_OFFSET = 8;

    /// How many regions a block tells of.
    static final int REGIONS = (BLOCK_BYTES - BITS_OFFSET) * Byte.SIZE;

    private BitmapBlocks() {}

    /// How many blocks tell of so many regions.
    public static int count(long regions) {
        return Math.toIntExact((regions + REGIONS - 1) / REGIONS);
    }

    /// The bytes of consecutive blocks.
    ///
    /// @param array whose bitmap it is
    /// @param first the number of the first block
    /// @param count how many
    /// @param dirty the regions whose bits are set
    static byte[] encode(UUID array, int first, int count, BitSet dirty) {
        byte[] blocks = new byte[count * BLOCK_BYTES];
        ByteBuffer bytes = ByteBuffer.wrap(blocks).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            int at = i * BLOCK_BYTES;
            int block = first + i;
            bytes.putInt(at + NUMBER_OFFSET, block);
            bytes.put(
                    at + BITS_OFFSET,
                    dirty.get(block * REGIONS, (block + 1) * REGIONS).toByteArray());
            bytes.putInt(at, checksum(array, blocks, at));
        }
        return blocks;
    }

    /// Adds the bits that one member holds to others. A block that is not what it should be was
    /// torn while it was written: all its regions count as dirty, and so do those of a block that
    /// is not there at all.
    ///
    /// @param array whose bitmap it is
    /// @param blocks what was read; may be cut short, what is too much is not looked at
    /// @param regions how many regions there are
    /// @param dirty to be added to
    /// @return how many blocks were not what they should be
    public static int decode(UUID array, byte[] blocks, int regions, BitSet dirty) {
        int bad = 0;
        for (int block = 0; block < count(regions); block++) {
            int first = block * REGIONS;
            int end = Math.min(regions, first + REGIONS);
            if (!isGood(array, blocks, block)) {
                bad++;
                dirty.set(first, end);
                continue;
            }
            ByteBuffer bits =
                    ByteBuffer.wrap(
                            blocks, block * BLOCK_BYTES + BITS_OFFSET, BLOCK_BYTES - BITS_OFFSET);
            BitSet set = BitSet.valueOf(bits);
            for (int at = set.nextSetBit(0);
                    at >= 0 && first + at < end;
                    at = set.nextSetBit(at + 1)) {
                dirty.set(first + at);
            }
        }
        return bad;
    }

    private static boolean isGood(UUID array, byte[] blocks, int block) {
        int at = block * BLOCK_BYTES;
        if (at + BLOCK_BYTES > blocks.length) {
            return false;
        }
        ByteBuffer bytes = ByteBuffer.wrap(blocks).order(ByteOrder.LITTLE_ENDIAN);
        return bytes.getInt(at) == checksum(array, blocks, at)
                && bytes.getInt(at + NUMBER_OFFSET) == block;
    }

    /// CRC32C of a block but for the checksum itself, started with the first 4 bytes of the UUID,
    /// so that another array's block is no good one.
    private static int checksum(UUID array, byte[] blocks, int at) {
        CRC32C crc = new CRC32C();
        int head = (int) (array.getMostSignificantBits() >>> Integer.SIZE);
        crc.update(ByteBuffer.allocate(Integer.BYTES).putInt(0, head));
        crc.update(blocks, at + NUMBER_OFFSET, BLOCK_BYTES - NUMBER_OFFSET);
        return (int) crc.getValue();
    }
}

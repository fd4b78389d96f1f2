package org.unifiedvolume.raid.integrity;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.buffer.Slice;

/// Computes the checksums of one member: CRC32C of its UUID, the number of the block, and the
/// block. So bytes that belong to another place or another member do not fit.
///
/// For one thread at a time.
final class Checksums {
    /// What one checksum is of.
    static final int BLOCK_BYTES = 4096;

    /// Instead of a checksum: the block is all zeroes.
    static final int ZEROES = 0;

    /// Instead of a checksum: nothing is known of the block, and any bytes will do.
    static final int UNKNOWN = 1;

    /// Instead of a checksum: it was lost, and no bytes will do until the block is written.
    static final int LOST = 2;

    private static final int MARKS = 3;
    private static final int NUMBER_OFFSET = 2 * Long.BYTES;
    private static final ByteBuffer ZERO_BLOCK = ByteBuffer.allocateDirect(BLOCK_BYTES);

    private final CRC32C crc = new CRC32C();
    private final ByteBuffer salt;

    /// @param member whose checksums they are
    Checksums(UUID member) {
        salt = ByteBuffer.allocate(NUMBER_OFFSET + Long.BYTES);
        salt.putLong(member.getMostSignificantBits()).putLong(member.getLeastSignificantBits());
        salt.order(ByteOrder.LITTLE_ENDIAN);
    }

    private void begin(long number) {
        salt.putLong(NUMBER_OFFSET, number);
        crc.reset();
        crc.update(salt.array());
    }

    private int end() {
        int value = (int) crc.getValue();
        return value >= 0 && value < MARKS ? ~value : value;
    }

    /// The checksums of consecutive blocks.
    ///
    /// @param first the number of the first block
    /// @param data whole blocks
    int[] of(long first, Buffers data) {
        int[] found = new int[Math.toIntExact(data.length() / BLOCK_BYTES)];
        int block = 0;
        int missing = BLOCK_BYTES;
        begin(first);
        for (int i = 0; i < data.sliceCount(); i++) {
            Slice slice = data.slice(i);
            ByteBuffer bytes = slice.block().memory().asByteBuffer();
            int at = slice.offset();
            int end = at + Math.toIntExact(slice.length());
            while (at < end) {
                int count = Math.min(missing, end - at);
                bytes.limit(at + count).position(at);
                crc.update(bytes);
                at += count;
                missing -= count;
                if (missing == 0) {
                    found[block++] = end();
                    begin(first + block);
                    missing = BLOCK_BYTES;
                }
            }
        }
        return found;
    }

    /// The checksum of a block of zeroes.
    int ofZeroes(long number) {
        begin(number);
        crc.update(ZERO_BLOCK.duplicate());
        return end();
    }

    /// Whether a block may hold bytes of some checksum.
    ///
    /// @param entry what is kept of the block
    /// @param found the checksum of what it holds
    boolean fits(long number, int entry, int found) {
        return switch (entry) {
            case ZEROES -> found == ofZeroes(number);
            case UNKNOWN -> true;
            case LOST -> false;
            default -> entry == found;
        };
    }

    /// The checksum of a sector of the area, without its first bytes, where the checksum goes.
    int ofSector(long number, MemorySegment sector) {
        begin(number);
        crc.update(sector.asSlice(Integer.BYTES).asByteBuffer());
        return (int) crc.getValue();
    }
}

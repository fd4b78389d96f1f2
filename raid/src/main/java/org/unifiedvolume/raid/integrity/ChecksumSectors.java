package org.unifiedvolume.raid.integrity;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/// How checksums lie on disk (`docs/on-disk-format.md`, "Checksums"): in blocks of 4096 bytes, of
/// which each 512 bytes have a checksum of their own, as disks tear blocks there.
public final class ChecksumSectors {
    /// How large a block of the area is.
    static final int BLOCK_BYTES = 4096;

    private static final int SECTOR_BYTES = 512;
    private static final int SECTORS = BLOCK_BYTES / SECTOR_BYTES;

    /// How many checksums a sector has, after its own.
    static final int SECTOR_ENTRIES = SECTOR_BYTES / Integer.BYTES - 1;

    /// How many checksums a block has.
    static final int ENTRIES = SECTORS * SECTOR_ENTRIES;

    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private ChecksumSectors() {}

    /// How long the area for so many bytes of data is.
    public static long areaBytes(long dataBytes) {
        long blocks = (dataBytes + Checksums.BLOCK_BYTES - 1) / Checksums.BLOCK_BYTES;
        return (blocks + ENTRIES - 1) / ENTRIES * BLOCK_BYTES;
    }

    /// How many bytes of data an area of such a length is enough for.
    public static long dataBytes(long areaBytes) {
        return areaBytes / BLOCK_BYTES * ENTRIES * Checksums.BLOCK_BYTES;
    }

    /// Puts the checksums of a block of the area into `target`.
    ///
    /// @param block the number of the block
    static void encode(Checksums checksums, long block, int[] entries, MemorySegment target) {
        for (int i = 0; i < SECTORS; i++) {
            MemorySegment sector = target.asSlice((long) i * SECTOR_BYTES, SECTOR_BYTES);
            MemorySegment.copy(
                    entries, i * SECTOR_ENTRIES, sector, INT, Integer.BYTES, SECTOR_ENTRIES);
            sector.set(INT, 0, checksums.ofSector(block * SECTORS + i, sector));
        }
    }

    /// Takes the checksums of a block of the area from `source`. Those of a sector that is not what
    /// it should be are lost.
    ///
    /// @param untouched what is known of the data whose sector was never written
    /// @return how many sectors were not what they should be
    static int decode(
            Checksums checksums, long block, MemorySegment source, int untouched, int[] entries) {
        int bad = 0;
        for (int i = 0; i < SECTORS; i++) {
            MemorySegment sector = source.asSlice((long) i * SECTOR_BYTES, SECTOR_BYTES);
            int first = i * SECTOR_ENTRIES;
            if (isBlank(sector)) {
                Arrays.fill(entries, first, first + SECTOR_ENTRIES, untouched);
            } else if (sector.get(INT, 0) == checksums.ofSector(block * SECTORS + i, sector)) {
                MemorySegment.copy(sector, INT, Integer.BYTES, entries, first, SECTOR_ENTRIES);
            } else {
                Arrays.fill(entries, first, first + SECTOR_ENTRIES, Checksums.LOST);
                bad++;
            }
        }
        return bad;
    }

    private static boolean isBlank(MemorySegment sector) {
        for (int at = 0; at < SECTOR_BYTES; at += Long.BYTES) {
            if (sector.get(ValueLayout.JAVA_LONG_UNALIGNED, at) != 0) {
                return false;
            }
        }
        return true;
    }
}

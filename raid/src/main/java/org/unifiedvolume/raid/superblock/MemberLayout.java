package org.unifiedvolume.raid.superblock;

import java.util.List;
import org.unifiedvolume.Invariant;
import org.unifiedvolume.raid.bitmap.BitmapBlocks;
import org.unifiedvolume.raid.integrity.ChecksumSectors;
import org.unifiedvolume.raid.superblock.MemberAreas.Area;

/// Decides where on a member the areas of an array lie (`docs/on-disk-format.md`).
public final class MemberLayout {
    public static final long LEAST_REGION_BYTES = 1 << 20;

    static final long MAX_BITMAP_BYTES = 64 << 10;

    static final long MAX_REGIONS = 1 << 16;
    private static final long SLOT_STRIDE = 64 << 10;
    static final long GRID = 4096;
    private static final long DATA_GRID = 1 << 20;
    private static final long SMALL_DATA_GRID = 64 << 10;
    private static final long SMALL_MEMBER_BYTES = 64 << 20;

    private MemberLayout() {}

    /// What an array wants beside its data.
    ///
    /// @param bitmap whether there is to be a write-intent bitmap
    /// @param journalBytes how long the journal is to be; 0 for none, -1 for as long as is good
    /// @param checksums whether data are to have checksums
    public record Wishes(boolean bitmap, long journalBytes, boolean checksums) {
        public Wishes {
            Invariant.check(
                    journalBytes == -1 || (journalBytes >= 0 && journalBytes % GRID == 0),
                    "a journal of %d bytes",
                    journalBytes);
        }
    }

    /// Where the two slots of a member are, the first one first.
    public static List<Area> slots(long memberBytes, MetadataPlace place) {
        long end = memberBytes - memberBytes % GRID;
        long length = Superblock.LENGTH_BYTES;
        return place == MetadataPlace.START
                ? List.of(new Area(0, length), new Area(SLOT_STRIDE, length))
                : List.of(
                        new Area(end - SLOT_STRIDE, length),
                        new Area(end - 2 * SLOT_STRIDE, length));
    }

    /// For how many rows a bit of the bitmap stands.
    static long regionBytes(long rows) {
        long region = LEAST_REGION_BYTES;
        while (rows / region >= MAX_REGIONS) {
            region <<= 1;
        }
        return region;
    }

    /// For how many rows a bit has to stand so that a bitmap of so many bytes has all of them.
    public static long regionFor(long rows, long bitmapBytes) {
        long region = regionBytes(rows);
        while (bitmapBytes((rows - 1) / region + 1) > bitmapBytes) {
            region <<= 1;
        }
        return region;
    }

    /// How long a bitmap of so many regions is.
    static long bitmapBytes(long regions) {
        return (long) BitmapBlocks.count(regions) * BitmapBlocks.BLOCK_BYTES;
    }

    /// Room for the bits of every array that a member of this size may be in: how large a region is
    /// depends on the smallest member, and the smaller the regions, the more of them there are.
    private static long bitmapRoom(long memberBytes) {
        return bitmapBytes(Math.min(MAX_REGIONS, memberBytes / LEAST_REGION_BYTES + 1));
    }

    /// The least size of a member that has room for any data, in bytes.
    public static long leastBytes(MetadataPlace place, Wishes wishes) {
        // Each area only grows with the member, and grows more slowly than the member does.
        long low = 0;
        long high = Long.SIZE * DATA_GRID + Math.max(0, wishes.journalBytes());
        while (high - low > GRID) {
            long middle = (low + high) / 2 / GRID * GRID;
            if (plan(middle, place, wishes) == null) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return high;
    }

    /// The areas of a member; null if it is too small for any data. How large a region is has to be
    /// agreed on between the members: [MemberAreas#forRows].
    public static MemberAreas plan(long memberBytes, MetadataPlace place, Wishes wishes) {
        long size = memberBytes - memberBytes % GRID;
        long region = wishes.bitmap() ? regionBytes(size) : 0;
        long bitmap = wishes.bitmap() ? bitmapRoom(size) : 0;
        long journal = wishes.journalBytes() < 0 ? goodJournal(size) : wishes.journalBytes();
        long badBlocks = GRID;
        long checksums = wishes.checksums() ? ChecksumSectors.areaBytes(size) : 0;
        long metadata = 2 * SLOT_STRIDE + bitmap + badBlocks + journal + checksums;
        long grid = size < SMALL_MEMBER_BYTES ? SMALL_DATA_GRID : DATA_GRID;
        boolean atStart = place == MetadataPlace.START;
        long dataOffset = atStart ? (metadata + grid - 1) / grid * grid : 0;
        long dataBytes = atStart ? size - dataOffset : size - metadata;
        if (dataBytes <= 0) {
            return null;
        }
        long at = atStart ? 2 * SLOT_STRIDE : dataBytes;
        Area bitmapArea = area(at, bitmap);
        Area badBlocksArea = area(at + bitmap, badBlocks);
        Area journalArea = area(at + bitmap + badBlocks, journal);
        Area checksumsArea = area(at + bitmap + badBlocks + journal, checksums);
        return new MemberAreas(
                memberBytes,
                place,
                new Area(dataOffset, dataBytes),
                bitmapArea,
                region,
                journalArea,
                checksumsArea,
                false,
                badBlocksArea);
    }

    private static Area area(long offset, long length) {
        return length == 0 ? Area.NONE : new Area(offset, length);
    }

    /// Long enough that it is seldom full: a 128th of the member, within bounds.
    private static long goodJournal(long memberBytes) {
        long least = memberBytes < 16 << 20 ? 512 << 10 : 2 << 20;
        long good = Math.clamp(memberBytes / 128, least, 256 << 20);
        return good - good % GRID;
    }
}

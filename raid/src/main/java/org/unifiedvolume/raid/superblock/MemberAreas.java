package org.unifiedvolume.raid.superblock;

import org.unifiedvolume.raid.integrity.ChecksumSectors;

/// What lies where on a member. Offsets and lengths in bytes; an area of length 0 is not there.
///
/// @param memberBytes how large the member is
/// @param regionBytes for how many rows a bit of the bitmap stands; 0 without a bitmap
/// @param unprovenAtFirst whether data whose checksums were never written may be anything; else
///     they are zeroes. False without checksums
public record MemberAreas(
        long memberBytes,
        MetadataPlace place,
        Area data,
        Area bitmap,
        long regionBytes,
        Area journal,
        Area checksums,
        boolean unprovenAtFirst,
        Area badBlocks) {
    /// What the array has beside its data, for another member of it.
    public MemberLayout.Wishes wishes() {
        return new MemberLayout.Wishes(
                bitmap.isPresent(), journal.isPresent() ? -1 : 0, checksums.isPresent());
    }

    /// The same areas, whose data are known to be zeroes at first, or may be anything.
    public MemberAreas withUnprovenData(boolean isUnproven) {
        return new MemberAreas(
                memberBytes,
                place,
                data,
                bitmap,
                regionBytes,
                journal,
                checksums,
                isUnproven && checksums.isPresent(),
                badBlocks);
    }

    /// The same areas for an array that uses so many rows of each member: a bit of the bitmap has
    /// to stand for the same rows on all of them, however large they are.
    public MemberAreas forRows(long rowBytes) {
        return withRegion(MemberLayout.regionBytes(rowBytes));
    }

    /// The same areas with bits that stand for so many rows; without a bitmap for none.
    public MemberAreas withRegion(long rows) {
        return new MemberAreas(
                memberBytes,
                place,
                data,
                bitmap,
                bitmap.isPresent() ? rows : 0,
                journal,
                checksums,
                unprovenAtFirst,
                badBlocks);
    }

    /// The same areas on a member of another size: with the same places from the start on, or as
    /// far from the end. Data that carry checksums grow only as far as the area for these reaches.
    /// Null if no data have room.
    public MemberAreas onMember(long otherBytes) {
        long grid = MemberLayout.GRID;
        long longer = otherBytes - otherBytes % grid - (memberBytes - memberBytes % grid);
        long shift = place == MetadataPlace.END ? longer : 0;
        long most =
                checksums.isPresent()
                        ? ChecksumSectors.dataBytes(checksums.length())
                        : Long.MAX_VALUE;
        long length = Math.min(data.length() + longer, most);
        if (length <= 0) {
            return null;
        }
        return new MemberAreas(
                otherBytes,
                place,
                new Area(data.offset(), length),
                bitmap.shifted(shift),
                regionBytes,
                journal.shifted(shift),
                checksums.shifted(shift),
                unprovenAtFirst,
                badBlocks.shifted(shift));
    }

    /// A part of a member.
    public record Area(long offset, long length) {
        public static final Area NONE = new Area(0, 0);

        public boolean isPresent() {
            return length > 0;
        }

        Area shifted(long bytes) {
            return isPresent() ? new Area(offset + bytes, length) : NONE;
        }

        long end() {
            return offset + length;
        }

        boolean overlaps(Area other) {
            return isPresent() && other.isPresent() && offset < other.end() && other.offset < end();
        }
    }
}

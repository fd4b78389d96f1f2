package org.unifiedvolume.raid.superblock;

/// What lies where on a member. Offsets and lengths in bytes; an area of length 0 is not there.
///
/// @param memberBytes how large the member is
/// @param regionBytes for how many rows a bit of the bitmap stands; 0 without a bitmap
public record MemberAreas(
        long memberBytes,
        MetadataPlace place,
        Area data,
        Area bitmap,
        long regionBytes,
        Area journal,
        Area checksums,
        Area badBlocks) {
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
                badBlocks);
    }

    /// The same areas on a member of another size: with the same places from the start on, or as
    /// far from the end. Null if no data have room.
    public MemberAreas onMember(long otherBytes) {
        long grid = MemberLayout.GRID;
        long longer = otherBytes - otherBytes % grid - (memberBytes - memberBytes % grid);
        long shift = place == MetadataPlace.END ? longer : 0;
        if (data.length() + longer <= 0) {
            return null;
        }
        return new MemberAreas(
                otherBytes,
                place,
                new Area(data.offset(), data.length() + longer),
                bitmap.shifted(shift),
                regionBytes,
                journal.shifted(shift),
                checksums.shifted(shift),
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

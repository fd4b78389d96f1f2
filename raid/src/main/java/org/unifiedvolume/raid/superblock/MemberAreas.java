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
        return new MemberAreas(
                memberBytes,
                place,
                data,
                bitmap,
                bitmap.isPresent() ? MemberLayout.regionBytes(rowBytes) : 0,
                journal,
                checksums,
                badBlocks);
    }

    /// A part of a member.
    public record Area(long offset, long length) {
        public static final Area NONE = new Area(0, 0);

        public boolean isPresent() {
            return length > 0;
        }

        long end() {
            return offset + length;
        }

        boolean overlaps(Area other) {
            return isPresent() && other.isPresent() && offset < other.end() && other.offset < end();
        }
    }
}

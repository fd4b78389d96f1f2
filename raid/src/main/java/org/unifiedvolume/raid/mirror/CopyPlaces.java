package org.unifiedvolume.raid.mirror;

import org.unifiedvolume.raid.geometry.NearCopiesGeometry;
import org.unifiedvolume.raid.superblock.ArrayDescription;

/// Where the copies of an array's bytes are: all at the same row for RAID 1, by chunks for RAID 10.
///
/// @param legs how many legs there are
/// @param copies how many copies of each byte
/// @param sizeBytes how large the array is
/// @param chunks the layout of chunks; null for RAID 1
record CopyPlaces(int legs, int copies, long sizeBytes, NearCopiesGeometry chunks) {
    /// The places of an array of level 1 or 10.
    static CopyPlaces of(ArrayDescription array) {
        return array.chunkBytes() == 0
                ? mirror(array.roles(), array.sizeBytes())
                : near(
                        new NearCopiesGeometry(
                                array.roles(),
                                array.copies(),
                                array.chunkBytes(),
                                array.rowBytes() / array.chunkBytes()));
    }

    static CopyPlaces mirror(int legs, long sizeBytes) {
        return new CopyPlaces(legs, legs, sizeBytes, null);
    }

    static CopyPlaces near(NearCopiesGeometry chunks) {
        return new CopyPlaces(chunks.memberCount(), chunks.copyCount(), chunks.sizeBytes(), chunks);
    }

    /// The same over another number of legs, which only a mirror may get.
    CopyPlaces overLegs(int count) {
        return count == legs ? this : mirror(count, sizeBytes);
    }

    /// How much of each leg is used.
    long rowBytes() {
        return chunks == null ? sizeBytes : chunks.memberBytes();
    }

    /// How many different sets of legs there are.
    int setCount() {
        return chunks == null ? 1 : legs;
    }

    /// The set of legs that have the byte at an offset: named by the role of its first copy.
    int setAt(long offsetBytes) {
        return chunks == null ? 0 : chunks.memberAt(offsetBytes, 0);
    }

    /// The roles of a set, by copy.
    int[] rolesOf(int set) {
        int[] roles = new int[copies];
        for (int copy = 0; copy < copies; copy++) {
            roles[copy] = (set + copy) % legs;
        }
        return roles;
    }

    /// Where a copy of the byte at an offset is on its leg.
    long row(long offsetBytes, int copy) {
        return chunks == null ? offsetBytes : chunks.memberOffset(offsetBytes, copy);
    }

    /// How many bytes from an offset on, at most `most`, have their copies one after another.
    long run(long offsetBytes, long most) {
        return chunks == null
                ? most
                : Math.min(most, chunks.chunkBytes() - (offsetBytes & (chunks.chunkBytes() - 1)));
    }

    /// Of how many such runs a range, not empty, consists.
    int runCount(long offsetBytes, long lengthBytes) {
        return chunks == null
                ? 1
                : (int)
                        (chunks.chunkAt(offsetBytes + lengthBytes - 1)
                                - chunks.chunkAt(offsetBytes)
                                + 1);
    }

    /// Where in the array the byte at a row of a leg is; -1 if it belongs to none.
    long offset(int role, long row) {
        return chunks == null ? row : chunks.arrayOffset(role, row);
    }

    /// Which copy the byte at a row of a leg is.
    int copy(int role, long row) {
        return chunks == null ? role : chunks.copyOn(role, row);
    }
}

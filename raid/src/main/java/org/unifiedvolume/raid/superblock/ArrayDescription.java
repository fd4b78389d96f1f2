package org.unifiedvolume.raid.superblock;

import java.util.UUID;

/// What an array is: the same on all of its members.
///
/// @param level -1 linear, 0, 1, 5, 6, 10
/// @param copies of each chunk
/// @param chunkBytes 0 for linear and level 1
/// @param sizeBytes how large the array is
/// @param rowBytes how much of each member's data area is used; for linear, of this member's
/// @param roles how many members it is made of
/// @param createdMicros when it was made, microseconds since 1970
/// @param reshape how far it is on its way to this shape; null if it has it. Until the end its size
///     is that of the old shape
public record ArrayDescription(
        UUID uuid,
        String name,
        int level,
        int copies,
        long chunkBytes,
        long sizeBytes,
        long rowBytes,
        int roles,
        long createdMicros,
        Reshape reshape) {
    public static final int LINEAR = -1;

    /// An array that is not being reshaped.
    public ArrayDescription(
            UUID uuid,
            String name,
            int level,
            int copies,
            long chunkBytes,
            long sizeBytes,
            long rowBytes,
            int roles,
            long createdMicros) {
        this(
                uuid,
                name,
                level,
                copies,
                chunkBytes,
                sizeBytes,
                rowBytes,
                roles,
                createdMicros,
                null);
    }

    /// The level as users write it.
    public String levelName() {
        return level == LINEAR ? "linear" : "raid" + level;
    }

    /// The same array with so many legs; only a mirror may have another number than before.
    public ArrayDescription withLegs(int count) {
        return count == roles ? this : with(name, count, rowBytes, count, null);
    }

    public ArrayDescription withName(String newName) {
        return with(newName, copies, rowBytes, roles, reshape);
    }

    /// The same, as a member tells it of which so much is used.
    public ArrayDescription withRows(long newRowBytes) {
        return with(name, copies, newRowBytes, roles, reshape);
    }

    /// The same, as far on its way to this shape.
    ///
    /// @param newReshape null if it is there
    public ArrayDescription withReshape(Reshape newReshape) {
        return with(name, copies, rowBytes, roles, newReshape);
    }

    private ArrayDescription with(
            String newName, int newCopies, long newRowBytes, int newRoles, Reshape newReshape) {
        return new ArrayDescription(
                uuid,
                newName,
                level,
                newCopies,
                chunkBytes,
                sizeBytes,
                newRowBytes,
                newRoles,
                createdMicros,
                newReshape);
    }
}

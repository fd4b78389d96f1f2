package org.unifiedvolume.raid.superblock;

/// How far an array is on its way to another shape.
///
/// @param positionBytes how much of the array, from its start on, is where its new shape has it;
///     all behind that is where the old one had it
/// @param rolesBefore how many members the old shape has
/// @param chunkBefore the chunk of the old shape, in bytes
public record Reshape(long positionBytes, int rolesBefore, long chunkBefore) {
    /// The same, further on.
    public Reshape at(long newPositionBytes) {
        return new Reshape(newPositionBytes, rolesBefore, chunkBefore);
    }
}

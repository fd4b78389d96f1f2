package org.unifiedvolume.raid.superblock;

/// A stretch of an array's life in which no complete member was lost.
///
/// @param number counts the epochs of the array
/// @param id random, so that two halves that both went on are told apart
public record Epoch(long number, long id) {
    @Override
    public String toString() {
        return "%d (%016x)".formatted(number, id);
    }
}

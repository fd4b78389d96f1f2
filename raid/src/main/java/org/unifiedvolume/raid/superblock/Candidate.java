package org.unifiedvolume.raid.superblock;

/// A member that is to be part of an array.
///
/// @param name what users call it
/// @param superblock what it carries; null if it carries none that can be used, or is missing
/// @param problem why it cannot be used; empty if it can
public record Candidate(String name, Superblock superblock, String problem) {
    /// Whether it can be read, and carries nothing of an array.
    boolean isBlank() {
        return superblock == null && problem.isEmpty();
    }
}

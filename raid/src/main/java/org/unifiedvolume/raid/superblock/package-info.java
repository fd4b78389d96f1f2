/// Superblocks: what every member of an array carries, and what is made of it at a start.
///
/// Entry classes: [org.unifiedvolume.raid.superblock.Superblock], read and written through
/// [org.unifiedvolume.raid.superblock.SuperblockSlots], and
/// [org.unifiedvolume.raid.superblock.Assembly], which decides who is good. The format is described
/// byte by byte in `docs/on-disk-format.md`.
///
/// Control path only: straight-line code that may wait, without threads of its own.
package org.unifiedvolume.raid.superblock;

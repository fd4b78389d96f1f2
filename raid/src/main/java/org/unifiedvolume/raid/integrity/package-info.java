/// Checksums of what members hold, so that a member that lies is found out when it is read.
///
/// Entry class: [org.unifiedvolume.raid.integrity.IntegrityLayer], between a leg of an array and
/// the member it is made of. It keeps a CRC32C for each 4 KiB of the member's data in an area of
/// the member's own ([org.unifiedvolume.raid.integrity.ChecksumArea]), and fails a read whose bytes
/// do not fit as an unreadable sector would: the array answers from the others and writes anew. How
/// the area lies on disk, and what it proves after a crash, is described in
/// `docs/on-disk-format.md`, "Checksums".
///
/// Data path: on whatever thread submits or answers; nothing blocks. A read takes no lock unless
/// its bytes do not fit; a change holds its blocks until data and checksums have been answered.
package org.unifiedvolume.raid.integrity;

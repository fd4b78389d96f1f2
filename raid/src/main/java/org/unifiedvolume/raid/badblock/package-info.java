/// What of a member's data is lost, and known to be: reading it is an error until it is written
/// again, and nothing else is ever shown in its place.
///
/// Entry class: [org.unifiedvolume.raid.badblock.BadBlockLayer], between a leg of an array and the
/// member it is made of, above the checksums. It knows the member's list
/// ([org.unifiedvolume.raid.badblock.BadBlocks]) and keeps it on the member
/// ([org.unifiedvolume.raid.badblock.BadBlockSlots]; `docs/on-disk-format.md`, "Bad-block list").
/// Who finds that something is lost are the jobs of the array
/// (`docs/decisions/023-bad-blocks-are-listed-on-the-member-that-lacks-them.md`).
///
/// Data path: on whatever thread submits or answers; nothing blocks. While nothing is listed a
/// request costs one volatile read.
package org.unifiedvolume.raid.badblock;

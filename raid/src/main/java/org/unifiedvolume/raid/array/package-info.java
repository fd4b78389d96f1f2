/// The arrays without redundancy: linear and RAID 0.
///
/// Entry classes: [org.unifiedvolume.raid.array.LinearArray],
/// [org.unifiedvolume.raid.array.StripeArray]. A request that stays on one member is passed down
/// with its tag and its completion; one that spans members becomes one child for each, counted by a
/// fan-out. Payloads are parted and joined by reference. Works on whatever thread submits or
/// answers; nothing here blocks or holds state beyond a request.
package org.unifiedvolume.raid.array;

/// What is written down about regions: which may differ between the members, and which are lost.
///
/// Entry classes: [org.unifiedvolume.raid.bitmap.WriteIntentBitmap], one for an array, tells which
/// regions a change may have touched on some members only.
/// [org.unifiedvolume.raid.bitmap.BadBlocks], one for a member, tells what cannot be read there.
/// How they lie on disk is described in `docs/on-disk-format.md`.
///
/// Data path: a change enters and leaves with one atomic step for each region that it touches, and
/// a look at the bad blocks is one volatile read while there are none. Nothing blocks; writes and
/// waits are callbacks.
package org.unifiedvolume.raid.bitmap;

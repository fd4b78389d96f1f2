/// The write-intent bitmap: which regions of an array may differ between its members.
///
/// Entry class: [org.unifiedvolume.raid.bitmap.WriteIntentBitmap]. How the bits lie on disk is
/// described in `docs/on-disk-format.md` and done by [org.unifiedvolume.raid.bitmap.BitmapBlocks].
///
/// Data path: a change enters and leaves with one atomic step for each region that it touches;
/// nothing blocks.
package org.unifiedvolume.raid.bitmap;

/// What is written down about regions: which may differ between the members.
///
/// Entry class: [org.unifiedvolume.raid.bitmap.WriteIntentBitmap], one for an array, tells which
/// regions a change may have touched on some members only. How it lies on disk is described in
/// `docs/on-disk-format.md`.
///
/// Data path: a change enters and leaves with one atomic step for each region that it touches.
/// Nothing blocks; writes and waits are callbacks.
package org.unifiedvolume.raid.bitmap;

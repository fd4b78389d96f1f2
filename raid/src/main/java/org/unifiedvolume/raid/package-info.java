/// Layouts: how several members become one device.
///
/// Entry classes: [org.unifiedvolume.raid.LinearKind], [org.unifiedvolume.raid.StripeKind] and
/// [org.unifiedvolume.raid.MirrorKind], found by `ServiceLoader` for the levels `linear`, `raid0`
/// and `raid1`. Which byte lives where is arithmetic in `geometry`, P and Q are arithmetic in
/// `parity`; `array` holds the arrays without redundancy, `mirror` RAID 1 with its record of which
/// legs are good.
///
/// Data path: an array works on the thread that submits or answers a request and never blocks.
/// Control path: assembling, resynchronizing and writing the record block, on virtual threads.
package org.unifiedvolume.raid;

/// Layouts: how several members become one device.
///
/// Entry classes: [org.unifiedvolume.raid.LinearKind], [org.unifiedvolume.raid.StripeKind],
/// [org.unifiedvolume.raid.MirrorKind] and [org.unifiedvolume.raid.ParityKind], found by
/// `ServiceLoader` for the levels `linear`, `raid0`, `raid1` and `raid10`, `raid5` and `raid6`.
///
/// Which byte lives where is arithmetic in `geometry`, P and Q are arithmetic in `parity`. `array`
/// spreads requests over members that are all needed, `spread` gives such arrays superblocks;
/// `redundant` what all levels with redundancy have in common, over `superblock`, `bitmap` and
/// `integrity` (checksums); `mirror` the levels that keep copies, `stripe` those with parity.
/// `offline` looks at members without a service.
///
/// Data path: an array works on the thread that submits or answers a request and never blocks.
/// Control path: assembling, jobs and commands, on virtual threads.
package org.unifiedvolume.raid;

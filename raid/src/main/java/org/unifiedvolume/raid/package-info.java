/// Layouts: how several members become one device.
///
/// Entry classes: [org.unifiedvolume.raid.LinearKind], [org.unifiedvolume.raid.StripeKind] and
/// [org.unifiedvolume.raid.MirrorKind], found by `ServiceLoader` for the levels `linear`, `raid0`,
/// `raid1` and `raid10`; [org.unifiedvolume.raid.ParityKind] for `raid5` and `raid6` is not found
/// yet, as the simulation still breaks their promises (`docs/safety.md`).
///
/// Which byte lives where is arithmetic in `geometry`, P and Q are arithmetic in `parity`. `array`
/// holds the arrays without redundancy; `redundant` what all levels with redundancy have in common,
/// over `superblock` and `bitmap`; `mirror` the levels that keep copies, `stripe` those with
/// parity. `offline` looks at members without a service.
///
/// Data path: an array works on the thread that submits or answers a request and never blocks.
/// Control path: assembling, jobs and commands, on virtual threads.
package org.unifiedvolume.raid;

/// RAID 5 and RAID 6: chunks of data with one or two chunks of parity in every stripe.
///
/// Entry class: [org.unifiedvolume.raid.stripe.ReshapableParity], which has one
/// [org.unifiedvolume.raid.stripe.ParityLevel], or two while bytes are on their way to more legs; a
/// [org.unifiedvolume.raid.stripe.StripeMover] moves them. A read goes to the leg that has the
/// chunk, or is computed from the others; a change is cut into whole stripes and
/// [bands][org.unifiedvolume.raid.stripe.Band], each of which finds its cheapest way to new parity.
/// The [org.unifiedvolume.raid.stripe.Journal] makes changes of less than a stripe survive a power
/// cut together with the loss of legs. Which legs are good, and what else is common to all levels
/// with redundancy, is in `redundant`; the arithmetic is in `geometry` and `parity`.
///
/// Data path: on whatever thread submits or answers; never blocks. Opening, rebuild, resync and
/// scrub: on control threads.
package org.unifiedvolume.raid.stripe;

/// Levels that keep copies: RAID 1, every leg alike, and RAID 10, copies of chunks beside each
/// other.
///
/// Entry class: [org.unifiedvolume.raid.mirror.Replication]. Every change goes to all copies that
/// take changes, to those that are written behind when the others have it; a read to the best of
/// the complete ones. Which legs those are, and what else is common to all levels with redundancy,
/// is in `redundant`.
///
/// Data path: on whatever thread submits or answers; never blocks.
package org.unifiedvolume.raid.mirror;

/// What all levels with redundancy have in common: which legs are good, what is written down before
/// what, who waits for whom, and the jobs that make legs right again.
///
/// Entry class: [org.unifiedvolume.raid.redundant.RedundantArray]. A
/// [org.unifiedvolume.raid.redundant.Level] brings the arithmetic and the requests of RAID 1, 10, 5
/// or 6. Everything is counted in rows: offsets within the data areas of the legs, the same on all.
///
/// Legs that get changes later than these are acknowledged have a
/// [org.unifiedvolume.raid.redundant.BehindQueue].
///
/// Data path: on whatever thread submits or answers; never blocks. Control path: starts, jobs and
/// commands are straight-line code on virtual threads
/// ([org.unifiedvolume.raid.redundant.ControlThreads]).
package org.unifiedvolume.raid.redundant;

/// RAID 1: every change goes to all legs, a read to the best of them.
///
/// Entry class: [org.unifiedvolume.raid.mirror.MirrorArray]. Which legs are good is known twice: in
/// memory ([org.unifiedvolume.raid.mirror.Legs]), where requests look, and in a record on disk
/// ([org.unifiedvolume.raid.mirror.MirrorRecord]), where the next start looks. No change is
/// acknowledged before the record says which legs lack it.
///
/// Data path: on whatever thread submits or answers; never blocks. Control path: the record, the
/// resync and the start are straight-line code on virtual threads
/// ([org.unifiedvolume.raid.mirror.ControlThreads]).
package org.unifiedvolume.raid.mirror;

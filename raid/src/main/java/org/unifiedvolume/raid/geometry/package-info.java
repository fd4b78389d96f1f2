/// Which byte of an array is which byte of which member: arithmetic without I/O.
///
/// Entry classes: [org.unifiedvolume.raid.geometry.LinearGeometry],
/// [org.unifiedvolume.raid.geometry.StripeGeometry],
/// [org.unifiedvolume.raid.geometry.NearCopiesGeometry] (RAID 10) and
/// [org.unifiedvolume.raid.geometry.ParityGeometry] (RAID 5 and 6). Immutable; free of overflow, as
/// the sums are checked when a geometry is made.
package org.unifiedvolume.raid.geometry;

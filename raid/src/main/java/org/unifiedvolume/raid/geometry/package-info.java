/// Which byte of an array is which byte of which member: arithmetic without I/O.
///
/// Entry classes: [org.unifiedvolume.raid.geometry.LinearGeometry],
/// [org.unifiedvolume.raid.geometry.StripeGeometry]. Immutable; free of overflow, as the sums are
/// checked when a geometry is made.
package org.unifiedvolume.raid.geometry;

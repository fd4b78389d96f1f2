/// Volumes: the top of each tree of devices, and the members at its bottom.
///
/// Entry classes: [org.unifiedvolume.volume.Volume], [org.unifiedvolume.volume.Member]. A request
/// gets its tag in the volume, passes the volume's request stack, the layout, and at the bottom the
/// member's own stack and the lane that its tag names.
package org.unifiedvolume.volume;

/// Unified Volume: one disk out of many.
///
/// Everything that stores bytes is a [org.unifiedvolume.device.BlockDevice]; requests travel down a
/// tree of them as [org.unifiedvolume.request.IoRequest] and answers come back through a
/// [org.unifiedvolume.request.Completion].
package org.unifiedvolume;

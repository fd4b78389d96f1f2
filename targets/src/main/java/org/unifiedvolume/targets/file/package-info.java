/// Local members: regular files and block devices.
///
/// Entry class: [org.unifiedvolume.targets.file.FileDevice]. What the kernel can answer without
/// waiting is done on the calling thread. What has to wait does so with the kernel, through the
/// ring of the calling loop ([org.unifiedvolume.targets.file.LoopRing]), or on threads of the
/// device's own ([org.unifiedvolume.targets.file.LocalLane]), so one slow disk stalls no other.
/// Everything named `Ring…` belongs to one loop's thread.
package org.unifiedvolume.targets.file;

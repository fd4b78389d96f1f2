/// Local members: regular files and block devices.
///
/// Entry class: [org.unifiedvolume.targets.file.FileDevice]. What the kernel can answer without
/// waiting is done on the calling thread; everything else goes to the device's own
/// [org.unifiedvolume.targets.file.LocalLane], so one slow disk stalls no other.
package org.unifiedvolume.targets.file;

/// Arrays that need all of their members, linear and RAID 0, with superblocks.
///
/// Entry class: [org.unifiedvolume.raid.spread.SpreadStart], which makes a
/// [org.unifiedvolume.raid.spread.SpreadArray] of members. Which byte lives where, and how requests
/// are spread, is what `array` has for members without superblocks too; here are the state on the
/// members, more members for an array that is used, and the reshape of a RAID 0.
///
/// Data path: requests take a [org.unifiedvolume.raid.spread.Way], which is exchanged when the
/// array gets another shape; nothing blocks. Control path: starts, commands, the reshape and the
/// look after members that failed, on virtual threads.
package org.unifiedvolume.raid.spread;

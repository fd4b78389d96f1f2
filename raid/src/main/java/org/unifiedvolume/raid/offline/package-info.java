/// Arrays while no service uses them: what members carry, which belong together, and what a start
/// would make of them.
///
/// Entry class: [org.unifiedvolume.raid.offline.OfflineArrays]. Control path only.
package org.unifiedvolume.raid.offline;

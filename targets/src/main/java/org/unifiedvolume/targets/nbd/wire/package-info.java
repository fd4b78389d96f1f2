/// The messages of the NBD protocol: numbers, and how they are laid out. No sockets, no state.
///
/// Entry classes: [org.unifiedvolume.targets.nbd.wire.Nbd] (the numbers),
/// [org.unifiedvolume.targets.nbd.wire.RequestHeader],
/// [org.unifiedvolume.targets.nbd.wire.ReplyHeader],
/// [org.unifiedvolume.targets.nbd.wire.OptionReader].
package org.unifiedvolume.targets.nbd.wire;

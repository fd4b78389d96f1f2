/// The network block device protocol, both sides over one codec.
///
/// `wire` holds the messages; `export` serves volumes; `member` makes a remote export a device.
/// Standard: the NBD protocol
/// (<https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md>) with its extension for
/// extended headers.
package org.unifiedvolume.targets.nbd;

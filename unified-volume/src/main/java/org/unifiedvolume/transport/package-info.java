/// Streams of bytes between a session and its peer, whatever carries them.
///
/// Entry classes: [org.unifiedvolume.transport.ByteStream],
/// [org.unifiedvolume.transport.Transport]. Received bytes wait in an
/// [org.unifiedvolume.transport.Inbox], bytes to send in an [org.unifiedvolume.transport.Outbox];
/// both hold pool memory by reference, so a payload is never copied. Everything about one stream
/// happens on its loop's thread.
package org.unifiedvolume.transport;

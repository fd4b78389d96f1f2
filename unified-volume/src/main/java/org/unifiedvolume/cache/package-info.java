/// The optional read cache of a volume.
///
/// Entry class: [org.unifiedvolume.cache.ReadCache], a layer below the volume's request stack, so
/// that the reads and changes of all exports pass it. Cached bytes are pool blocks, kept by
/// reference; when the pool is spent the cache gives its blocks back. No threads of its own; safe
/// for concurrent use.
package org.unifiedvolume.cache;

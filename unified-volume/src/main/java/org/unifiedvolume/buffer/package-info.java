/// The one pool of payload memory: aligned, outside the heap, counted by references, with a
/// ceiling.
///
/// Entry class: [org.unifiedvolume.buffer.BufferPool]. Payloads travel as
/// [org.unifiedvolume.buffer.Buffers], lists of slices that share memory and are never copied on
/// the way between a socket and a member. [org.unifiedvolume.buffer.Admission] keeps exports from
/// taking in more than the pool can hold. Everything here is safe for concurrent use.
package org.unifiedvolume.buffer;

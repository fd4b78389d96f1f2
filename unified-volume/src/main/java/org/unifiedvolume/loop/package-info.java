/// The threads of the data path: each waits for its descriptors, carries requests down the tree and
/// sends the answers in batches.
///
/// Entry classes: [org.unifiedvolume.loop.LoopGroup], [org.unifiedvolume.loop.EventLoop]. A loop's
/// thread owns everything registered with it; other threads reach it through
/// [org.unifiedvolume.loop.Loop#execute]. Nothing on a loop may block.
package org.unifiedvolume.loop;

/// The common stack that every request passes: order, depth, deadline, merging.
///
/// Entry class: [org.unifiedvolume.stack.RequestStack], a layer. One stands at the top of each
/// volume, one above each member. While the device below takes requests at once nothing waits and
/// nothing is locked; only beyond the depth limit requests wait, in the order that an
/// [org.unifiedvolume.stack.OrderPolicy] chooses. Safe for concurrent use.
package org.unifiedvolume.stack;

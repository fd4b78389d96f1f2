/// The few Linux system calls the product needs, through the foreign-function API.
///
/// Entry classes: [org.unifiedvolume.linux.FileCalls], [org.unifiedvolume.linux.SocketCalls],
/// [org.unifiedvolume.linux.EpollCalls], [org.unifiedvolume.linux.MountCalls]. Every call answers
/// as the kernel does: a result of zero or more, or a negative error number that
/// [org.unifiedvolume.linux.Errno] names. Pointers are passed as `long` addresses, so a call makes
/// no garbage. All calls may be made from any thread; none of them is pinned to a loop.
package org.unifiedvolume.linux;

/// Makes an export of a remote NBD server a member.
///
/// Entry class: [org.unifiedvolume.targets.nbd.member.NbdDevice]. Each of its connections
/// ([org.unifiedvolume.targets.nbd.member.NbdLink]) lives on a loop and owns the requests that are
/// under way on it; the device itself keeps what has to outlive a connection: requests that wait
/// for one, and writes that the server may still lose.
package org.unifiedvolume.targets.nbd.member;

/// The demonstration behind `uvol demo`: two hosts on one machine, volumes over both, and a round
/// that checks itself.
///
/// Entry classes: [org.unifiedvolume.demo.Demo] to look at, [org.unifiedvolume.demo.DemoRound] to
/// check. Everything is used as users use it: processes of `uvol serve`, the control socket, files
/// and mounts; nothing here reaches into a service. Blocking code.
package org.unifiedvolume.demo;

/// The way from an exported file to a mounted filesystem and back: loop devices, filesystems, the
/// mount table.
///
/// Entry classes: [org.unifiedvolume.mount.LoopDevices], [org.unifiedvolume.mount.Filesystems],
/// [org.unifiedvolume.mount.Mounts]. Everything here is blocking code of the control path. It runs
/// the system's own tools ([org.unifiedvolume.mount.Tool]) and names the package of one that is
/// missing.
package org.unifiedvolume.mount;

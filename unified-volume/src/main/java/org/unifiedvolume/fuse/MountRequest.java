package org.unifiedvolume.fuse;

/// What a binding is asked to mount.
///
/// @param point where
/// @param source what the mount table shows as the device: `uvol:media`
/// @param readOnly whether the kernel itself refuses writes
/// @param allowOther whether other users than the one who mounts may use the file, as its
///     permissions say
record MountRequest(MountPoint point, String source, boolean readOnly, boolean allowOther) {
    /// What the mount table shows as the type, behind `fuse.`.
    static final String SUBTYPE = "uvol";

    String path() {
        return point.path().toString();
    }
}

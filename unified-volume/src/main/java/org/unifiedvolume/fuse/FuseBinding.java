package org.unifiedvolume.fuse;

import java.io.IOException;
import org.unifiedvolume.spi.TargetContext;

/// One way to speak with the kernel's FUSE.
interface FuseBinding {
    /// A mount that is being served.
    interface Mounted {
        /// Unmounts the file and ends its service within a bounded time. The volume is not flushed.
        void close();
    }

    /// Says why this binding cannot work here, or null if it can.
    String problem();

    /// Mounts a file over a mount point that was prepared, and serves it.
    ///
    /// @throws IOException if that fails, naming the path and the remedy; nothing is left mounted
    Mounted mount(MountRequest request, VolumeFile file, TargetContext context) throws IOException;
}

package org.unifiedvolume.fuse;

import java.io.IOException;
import org.unifiedvolume.spi.TargetContext;

/// placeholder
final class JnrBinding implements FuseBinding {
    @Override
    public String problem() {
        return "not built";
    }

    @Override
    public Mounted mount(MountRequest request, VolumeFile file, TargetContext context)
            throws IOException {
        throw new IOException("not built");
    }
}

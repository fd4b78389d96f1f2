package org.unifiedvolume.fuse;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.DeviceUri;
import org.unifiedvolume.spi.Export;
import org.unifiedvolume.spi.ExportKind;
import org.unifiedvolume.spi.ExportPlan;
import org.unifiedvolume.spi.TargetContext;
import org.unifiedvolume.volume.Volume;

/// `fuse:/srv/media.img` as an export: the volume becomes that regular file.
///
/// Options: `readonly`; `allow-other` (users other than the one who runs the process may use the
/// file, as its permissions say); `binding`, which is `native` (the default: `/dev/fuse` itself) or
/// `jnr` (libfuse 2 by jnr-fuse).
public final class FuseExportKind implements ExportKind {
    @Override
    public Set<String> schemes() {
        return Set.of("fuse");
    }

    @Override
    public ExportPlan plan(DeviceUri uri) throws ConfigFault {
        Path path = uri.filePath();
        boolean readOnly = uri.flag("readonly", false);
        boolean allowOther = uri.flag("allow-other", false);
        String binding = uri.option("binding");
        uri.rejectUnknownKeys();
        return new Plan(uri.toString(), path, readOnly, allowOther, binding(uri, binding));
    }

    private static FuseBinding binding(DeviceUri uri, String name) throws ConfigFault {
        return switch (name) {
            case null ->
                    System.getProperty("os.name").equals("Linux")
                            ? new NativeBinding()
                            : new JnrBinding();
            case "native" -> new NativeBinding();
            case "jnr" -> new JnrBinding();
            default -> throw uri.fault("has binding=" + name, "write native or jnr");
        };
    }

    private record Plan(
            String name, Path path, boolean readOnly, boolean allowOther, FuseBinding binding)
            implements ExportPlan {
        @Override
        public Object identity() {
            return path;
        }

        @Override
        public void check() throws IOException {
            String problem = binding.problem();
            if (problem != null) {
                throw new IOException("%s: %s".formatted(path, problem));
            }
            MountPoint.check(path);
        }

        @Override
        public Export open(Volume volume, TargetContext context) throws IOException {
            check();
            MountPoint point = MountPoint.prepare(path);
            VolumeFile file =
                    new VolumeFile(volume, readOnly, point.path().toString(), context.io());
            boolean opened = false;
            try {
                MountRequest request =
                        new MountRequest(
                                point, "uvol:" + volume.name(), file.isReadOnly(), allowOther);
                FuseBinding.Mounted mounted = binding.mount(request, file, context);
                opened = true;
                return new FuseExport(point, file, mounted);
            } finally {
                if (!opened) {
                    file.disconnect();
                    point.remove();
                }
            }
        }
    }
}

package org.unifiedvolume.fuse;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.unifiedvolume.spi.TargetContext;

/// Leaves the protocol to libfuse 2, by jnr-fuse: portable, with one thread for each mount, which
/// carries out one request after the other and copies every payload.
final class JnrBinding implements FuseBinding {
    private static final int READY_SECONDS = 20;

    /// The longest request of libfuse 2.
    private static final int MOST_TRANSFER_BYTES = 128 << 10;

    @Override
    public String problem() {
        return null; // libfuse says so itself when it is loaded
    }

    @Override
    public Mounted mount(MountRequest request, VolumeFile file, TargetContext context)
            throws IOException {
        JnrMount mount;
        try {
            JnrFile served = new JnrFile(file, FileAttributes.of(request, file), context);
            mount = new JnrMount(request, served);
        } catch (LinkageError e) {
            throw new IOException(
                    "%s: libfuse 2 cannot be loaded (%s); on Debian: apt-get install libfuse2, or"
                                    .formatted(request.path(), e.getMessage())
                            + " use binding=native",
                    e);
        }
        mount.start(options(request, file));
        String problem;
        try {
            mount.ready().get(READY_SECONDS, TimeUnit.SECONDS);
            return mount;
        } catch (ExecutionException e) {
            problem = e.getCause().getMessage();
        } catch (TimeoutException e) {
            problem = "libfuse did not begin within %d s".formatted(READY_SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            problem = "interrupted";
        }
        mount.close();
        throw new IOException("%s: cannot be mounted: %s".formatted(request.path(), problem));
    }

    private static String[] options(MountRequest request, VolumeFile file) {
        int transferBytes =
                Math.min(
                        MOST_TRANSFER_BYTES,
                        FuseSession.transferBytes(file.shape().maxTransferBytes()));
        List<String> options = new ArrayList<>();
        options.add("fsname=" + request.source().replace("\\", "\\\\").replace(",", "\\,"));
        options.add("subtype=" + MountRequest.SUBTYPE);
        options.add("direct_io");
        options.add("big_writes");
        options.add("max_read=" + transferBytes);
        options.add("max_write=" + transferBytes);
        options.add("default_permissions");
        options.add(request.readOnly() ? "ro" : "rw");
        if (request.allowOther()) {
            options.add("allow_other");
        }
        return new String[] {"-s", "-o", String.join(",", options)};
    }
}

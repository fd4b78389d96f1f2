package org.unifiedvolume.fuse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.mount.MountTable;

/// One mount that libfuse serves on a thread of its own, until it is unmounted.
final class JnrMount implements FuseBinding.Mounted {
    private static final Logger LOG = LoggerFactory.getLogger(JnrMount.class);
    private static final int END_SECONDS = 5;

    private final MountRequest request;
    private final JnrFile file;
    private final AtomicBoolean closed = new AtomicBoolean();
    private Thread thread;

    JnrMount(MountRequest request, JnrFile file) {
        this.request = request;
        this.file = file;
    }

    void start(String[] options) {
        thread = new Thread(() -> serve(options), "uvol-jnr-fuse");
        thread.setDaemon(true);
        thread.start();
    }

    private void serve(String[] options) {
        try {
            file.mount(request.point().path(), true, false, options);
            file.ready().completeExceptionally(new IOException("libfuse ended at once"));
        } catch (RuntimeException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            file.ready().completeExceptionally(new IOException(cause.getMessage(), cause));
        }
        if (!closed.get()) {
            LOG.warn("{}: unmounted by somebody else; this export has ended", request.path());
        }
    }

    /// Done when libfuse serves the mount.
    CompletableFuture<Void> ready() {
        return file.ready();
    }

    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        String connection = connection();
        if (!connection.isEmpty() && thread.isAlive()) {
            FuseMounter.unmount(request);
        }
        file.forget();
        if (!ended()) {
            LOG.warn("{}: still in use {} s after the unmount", request.path(), END_SECONDS);
            abort(connection);
        }
    }

    private boolean ended() {
        try {
            return thread.join(Duration.ofSeconds(END_SECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /// The number by which the kernel calls the connection; empty if nothing is mounted.
    private String connection() {
        try {
            Optional<MountTable.Entry> entry = MountTable.read().at(request.point().path());
            return entry.map(JnrMount::minorNumber).orElse("");
        } catch (IOException e) {
            LOG.warn("{}: {}", request.path(), e.toString());
            return "";
        }
    }

    private static String minorNumber(MountTable.Entry entry) {
        return entry.device().substring(entry.device().indexOf(':') + 1);
    }

    /// Lets everyone who still uses the file get an error (`fuse(4)`, control filesystem).
    private void abort(String connection) {
        Path abort = Path.of("/sys/fs/fuse/connections", connection, "abort");
        try {
            Files.writeString(abort, "1");
        } catch (IOException e) {
            LOG.warn(
                    "{}: cannot be aborted by {}; those who use it wait until this process ends",
                    request.path(),
                    abort);
        }
    }
}

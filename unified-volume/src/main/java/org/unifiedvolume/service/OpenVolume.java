package org.unifiedvolume.service;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.spi.Export;
import org.unifiedvolume.spi.ManagedArray;
import org.unifiedvolume.volume.Member;
import org.unifiedvolume.volume.Volume;

/// A volume that works, and its exports.
public final class OpenVolume {
    private static final Logger LOG = LoggerFactory.getLogger(OpenVolume.class);
    private static final long FLUSH_SECONDS = 10;

    /// What the files that this service makes of a volume are called among its clients.
    private static final String OWN_CLIENT = "fuse ";

    private final VolumePlan plan;
    private final Volume volume;
    private final BlockDevice array;
    private final MemberOpener opener;
    private volatile boolean partOfAnother;
    private final AtomicBoolean closed = new AtomicBoolean();
    private final List<Export> exports = new CopyOnWriteArrayList<>();

    /// @param array what the layout made of the members
    /// @param opener opens further members
    OpenVolume(VolumePlan plan, Volume volume, BlockDevice array, MemberOpener opener) {
        this.opener = opener;
        this.plan = plan;
        this.volume = volume;
        this.array = array;
    }

    public String name() {
        return plan.name();
    }

    public VolumePlan plan() {
        return plan;
    }

    /// Whether another volume is made of this one.
    boolean isPartOfAnother() {
        return partOfAnother;
    }

    void becomePartOfAnother(boolean isPart) {
        partOfAnother = isPart;
    }

    public Volume volume() {
        return volume;
    }

    /// The array, if members can be taken out of it and put back; null if not.
    ManagedArray managedArray() {
        return array instanceof ManagedArray managed ? managed : null;
    }

    /// The members that are there now.
    List<Member> members() {
        ManagedArray managed = managedArray();
        return managed == null ? volume.members() : managed.members();
    }

    /// Opens members as those of this volume are opened.
    MemberOpener opener() {
        return opener;
    }

    public List<Export> exports() {
        return List.copyOf(exports);
    }

    void add(Export export) {
        exports.add(export);
    }

    /// Stops all exports, at the same time: each waits for its clients.
    void closeExports() {
        List<Thread> closing = new ArrayList<>();
        for (Export export : exports) {
            closing.add(Thread.ofVirtual().start(() -> closeQuietly(export)));
        }
        for (Thread thread : closing) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        exports.clear();
    }

    private static void closeQuietly(Export export) {
        try {
            export.close();
        } catch (RuntimeException e) {
            LOG.error("{}: cannot stop serving", export.uri(), e);
        }
    }

    /// Makes what was acknowledged durable, within a bounded time.
    void flush() {
        CompletableFuture<Outcome> end = new CompletableFuture<>();
        volume.submit(
                new IoRequest.Flush(volume.tag(Operation.FLUSH, 0, 0, 0)),
                (_, outcome) -> end.complete(outcome));
        try {
            if (end.get(FLUSH_SECONDS, TimeUnit.SECONDS) instanceof Outcome.Failed(var fault)) {
                LOG.error("volume {}: the last flush failed: {}", name(), fault.getMessage());
            }
        } catch (TimeoutException e) {
            LOG.error("volume {}: the last flush took longer than {} s", name(), FLUSH_SECONDS);
        } catch (ExecutionException e) {
            throw new AssertionError(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// Who uses the volume over the network now, for people.
    List<String> remoteClients() {
        return volume.clients().stream()
                .map(Volume.Client::name)
                .filter(name -> !name.startsWith(OWN_CLIENT))
                .toList();
    }

    /// Flushes and closes the volume, once; its exports have been closed.
    void close() {
        if (closed.getAndSet(true)) {
            return;
        }
        if (!volume.shape().isReadOnly()) {
            flush();
        }
        volume.close();
    }
}

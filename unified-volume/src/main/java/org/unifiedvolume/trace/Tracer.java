package org.unifiedvolume.trace;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.unifiedvolume.device.Timers;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// Tells whoever watches a volume of every request and every child of one. Safe for concurrent use.
public final class Tracer {
    private final Timers timers;
    private volatile List<Consumer<TraceEvent>> watchers = List.of();

    public Tracer(Timers timers) {
        this.timers = timers;
    }

    /// Tells `watcher` of every answered request from now on, on the thread that answers: it must
    /// be quick. Closing the result ends that.
    public synchronized AutoCloseable watch(Consumer<TraceEvent> watcher) {
        List<Consumer<TraceEvent>> more = new ArrayList<>(watchers);
        more.add(watcher);
        watchers = List.copyOf(more);
        return () -> unwatch(watcher);
    }

    private synchronized void unwatch(Consumer<TraceEvent> watcher) {
        List<Consumer<TraceEvent>> fewer = new ArrayList<>(watchers);
        fewer.remove(watcher);
        watchers = List.copyOf(fewer);
    }

    /// Notes that a request was answered at a place.
    public void answered(String place, IoRequest request, Outcome outcome, long enteredNanos) {
        List<Consumer<TraceEvent>> now = watchers;
        if (now.isEmpty()) {
            return;
        }
        String error =
                outcome instanceof Outcome.Failed(DeviceFault fault) ? fault.getMessage() : "";
        TraceEvent event =
                new TraceEvent(
                        request.tag(),
                        place,
                        request.offsetBytes(),
                        request.lengthBytes(),
                        enteredNanos,
                        timers.nanoTime(),
                        error);
        for (Consumer<TraceEvent> watcher : now) {
            watcher.accept(event);
        }
    }
}

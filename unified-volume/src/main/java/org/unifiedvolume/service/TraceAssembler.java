package org.unifiedvolume.service;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.unifiedvolume.trace.TraceEvent;

/// Puts the requests of a volume together with their children: the form behind
/// `uvol trace --json`.
///
/// The data path only leaves events in a bounded queue; what does not fit is counted and dropped. A
/// request's children are answered before it is, so they wait here for their parent, a bounded
/// number of them.
final class TraceAssembler implements Consumer<TraceEvent> {
    private static final int QUEUED = 16_384;
    private static final int WAITING = 16_384;

    /// The place of requests at the top of a volume.
    private static final String TOP = "volume";

    private final BlockingQueue<TraceEvent> queue = new ArrayBlockingQueue<>(QUEUED);
    private final AtomicLong dropped = new AtomicLong();

    /// Answered children by the id of the request that they are a part of; the oldest leave first.
    private final Map<Long, List<TraceEvent>> waiting =
            new LinkedHashMap<>() {
                @Override
                protected boolean removeEldestEntry(Map.Entry<Long, List<TraceEvent>> eldest) {
                    return size() > WAITING;
                }
            };

    private boolean hasBegun;
    private long begunNanos;

    /// From this moment on every event is seen: a request that entered earlier may have had
    /// children that were not, and is left out.
    ///
    /// @param nowNanos on the process's own clock
    void begin(long nowNanos) {
        hasBegun = true;
        begunNanos = nowNanos;
    }

    @Override
    public void accept(TraceEvent event) {
        if (!queue.offer(event)) {
            dropped.getAndIncrement();
        }
    }

    /// The next request that has been answered at the top, with its children; null if there is none
    /// within the time.
    Map<String, Object> next(long nanos) throws InterruptedException {
        long end = System.nanoTime() + nanos;
        while (true) {
            TraceEvent event = queue.poll(end - System.nanoTime(), TimeUnit.NANOSECONDS);
            if (event == null) {
                return null;
            }
            if (event.place().equals(TOP)) {
                if (hasBegun && event.enteredNanos() - begunNanos < 0) {
                    waiting.remove(event.tag().id());
                    continue;
                }
                Map<String, Object> view = view(event, event.enteredNanos());
                long lost = dropped.getAndSet(0);
                if (lost > 0) {
                    view.put("dropped", lost);
                }
                return view;
            }
            waiting.computeIfAbsent(groupOf(event), _ -> new ArrayList<>()).add(event);
        }
    }

    /// A request that stays on one member keeps its tag all the way down; others name their parent.
    private static long groupOf(TraceEvent event) {
        return event.tag().parentId() != 0 ? event.tag().parentId() : event.tag().id();
    }

    private Map<String, Object> view(TraceEvent event, long topNanos) {
        Map<String, Object> view = new LinkedHashMap<>();
        view.put("id", event.tag().id());
        view.put("parent", event.tag().parentId());
        view.put("operation", event.tag().operation().name());
        view.put("locality", event.tag().locality().name());
        view.put("place", event.place());
        view.put("offsetBytes", event.offsetBytes());
        view.put("lengthBytes", event.lengthBytes());
        view.put("client", event.tag().client());
        view.put("enteredNanos", event.enteredNanos() - topNanos);
        view.put("tookNanos", event.answeredNanos() - event.enteredNanos());
        view.put("error", event.error());
        List<Object> children = new ArrayList<>();
        List<TraceEvent> parts = waiting.remove(event.tag().id());
        if (parts != null) {
            parts.forEach(part -> children.add(view(part, topNanos)));
        }
        view.put("children", children);
        return view;
    }
}

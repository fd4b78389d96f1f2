package org.unifiedvolume.targets.nbd;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Predicate;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.Layer;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// A device whose answers a test holds back, or replaces by others.
public final class GateDevice extends Layer {
    private record Held(IoRequest request, Completion done) {}

    private final ConcurrentLinkedQueue<Held> held = new ConcurrentLinkedQueue<>();
    private volatile Predicate<IoRequest> holds = _ -> false;
    private volatile Function<IoRequest, Outcome> replaces = _ -> null;
    private volatile long localityRunBytes;
    private volatile boolean alternates;
    private final AtomicLong localityRunsAsked = new AtomicLong();

    public GateDevice(BlockDevice below) {
        super(below);
    }

    /// From now on requests that match wait for [#letGo].
    public void hold(Predicate<IoRequest> matching) {
        holds = matching;
    }

    /// From now on requests get this answer, unless it is null.
    public void answer(Function<IoRequest, Outcome> answers) {
        replaces = answers;
    }

    /// Makes the locality alternate between LOCAL and REMOTE every so many bytes.
    public void alternateLocality(long bytes) {
        localityRunBytes = bytes;
        alternates = true;
    }

    /// Makes the device tell of its locality in runs of so many bytes.
    public void piecesOfLocality(long bytes) {
        localityRunBytes = bytes;
        alternates = false;
    }

    /// How often the device was asked how far a locality goes.
    public long localityRunsAsked() {
        return localityRunsAsked.get();
    }

    public int heldCount() {
        return held.size();
    }

    /// Carries out what waits, newest first, so that answers come out of order, and holds nothing
    /// any more.
    public void letGo() {
        holds = _ -> false;
        List<Held> all = new ArrayList<>();
        for (Held next = held.poll(); next != null; next = held.poll()) {
            all.add(next);
        }
        all.reversed().forEach(one -> carryOut(one.request, one.done));
    }

    private void carryOut(IoRequest request, Completion done) {
        Outcome replacement = replaces.apply(request);
        if (replacement != null) {
            done.complete(request, replacement);
        } else {
            below.submit(request, done);
        }
    }

    @Override
    public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
        if (!alternates) {
            return below.locality(operation, offsetBytes, lengthBytes);
        }
        long first = offsetBytes / localityRunBytes;
        long last = (offsetBytes + Math.max(1, lengthBytes) - 1) / localityRunBytes;
        if (first != last) {
            return Locality.MIXED;
        }
        return first % 2 == 0 ? Locality.LOCAL : Locality.REMOTE;
    }

    @Override
    public long localityRun(long offsetBytes) {
        localityRunsAsked.incrementAndGet();
        return localityRunBytes == 0
                ? below.localityRun(offsetBytes)
                : Math.min(
                        localityRunBytes - offsetBytes % localityRunBytes,
                        shape().sizeBytes() - offsetBytes);
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        if (holds.test(request)) {
            held.add(new Held(request, done));
        } else {
            carryOut(request, done);
        }
    }
}

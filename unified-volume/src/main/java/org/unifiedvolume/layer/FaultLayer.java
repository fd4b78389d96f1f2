package org.unifiedvolume.layer;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.Layer;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Outcome;

/// Makes the device below fail as disks and networks do: requests are refused, are carried out but
/// reported as failed, or are not answered for as long as one likes.
///
/// What happens to each request is decided by a rule, which may be exchanged at any time.
public final class FaultLayer extends Layer {
    /// What happens to one request.
    public sealed interface Fate {
        /// Nothing unusual.
        record Pass() implements Fate {}

        /// It is answered with this fault and never reaches the device below.
        record Refuse(DeviceFault fault) implements Fate {}

        /// The device below carries it out, but the answer is this fault.
        record LoseAnswer(DeviceFault fault) implements Fate {}

        /// It waits until [FaultLayer#release].
        record Hang() implements Fate {}
    }

    public static final Fate PASS = new Fate.Pass();
    public static final Fate HANG = new Fate.Hang();

    private record Held(IoRequest request, Completion done) {}

    private volatile Function<IoRequest, Fate> rule = _ -> PASS;
    private final List<Held> held = new ArrayList<>();
    private boolean closed;

    public FaultLayer(BlockDevice below) {
        super(below);
    }

    /// Decides by another rule from now on. It is asked once for each request, on any thread.
    public void decideBy(Function<IoRequest, Fate> newRule) {
        rule = newRule;
    }

    /// Refuses every request with a fault of this kind from now on.
    public void refuseAll(DeviceFault.Kind kind) {
        decideBy(request -> refuse(kind, request));
    }

    /// Passes everything from now on. What hangs goes on hanging until [#release].
    public void passAll() {
        decideBy(_ -> PASS);
    }

    /// The fate of being refused, with a message that says it was injected.
    public static Fate refuse(DeviceFault.Kind kind, IoRequest request) {
        return new Fate.Refuse(fault(kind, request));
    }

    /// The fate of being carried out and reported as failed.
    public static Fate loseAnswer(DeviceFault.Kind kind, IoRequest request) {
        return new Fate.LoseAnswer(fault(kind, request));
    }

    private static DeviceFault fault(DeviceFault.Kind kind, IoRequest request) {
        return new DeviceFault(
                kind,
                "an injected fault of %s at offset %d, %d bytes"
                        .formatted(
                                request.tag().operation(),
                                request.offsetBytes(),
                                request.lengthBytes()));
    }

    /// Lets everything go on that hangs.
    public void release() {
        List<Held> free;
        synchronized (held) {
            free = List.copyOf(held);
            held.clear();
        }
        free.forEach(one -> below.submit(one.request(), one.done()));
    }

    /// How many requests hang.
    public int hangingCount() {
        synchronized (held) {
            return held.size();
        }
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        switch (rule.apply(request)) {
            case Fate.Pass _ -> below.submit(request, done);
            case Fate.Refuse(DeviceFault fault) ->
                    done.complete(request, new Outcome.Failed(fault));
            case Fate.LoseAnswer(DeviceFault fault) ->
                    below.submit(
                            request,
                            (answered, outcome) -> {
                                outcome.discard();
                                done.complete(answered, new Outcome.Failed(fault));
                            });
            case Fate.Hang _ -> hold(request, done);
        }
    }

    private void hold(IoRequest request, Completion done) {
        synchronized (held) {
            if (!closed) {
                held.add(new Held(request, done));
                return;
            }
        }
        below.submit(request, done);
    }

    /// Closes the device below, then lets go of what hangs, which the closed device answers.
    @Override
    public void close() {
        synchronized (held) {
            closed = true;
        }
        below.close();
        release();
    }
}

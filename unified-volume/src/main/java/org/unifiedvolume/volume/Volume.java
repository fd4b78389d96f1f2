package org.unifiedvolume.volume;

import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.stack.RequestStack;
import org.unifiedvolume.stack.StackListener;
import org.unifiedvolume.stack.StackOptions;
import org.unifiedvolume.stats.Meter;

/// One disk as clients see it: the top of a tree of devices, where requests get their tags.
public final class Volume implements AutoCloseable {
    private final String name;
    private final RequestStack top;
    private final IoContext context;
    private final Meter meter = new Meter();

    public Volume(String name, BlockDevice root, StackOptions options, IoContext context) {
        this.name = name;
        this.context = context;
        this.top =
                new RequestStack(
                        "volume " + name,
                        root,
                        options,
                        context.timers(),
                        context.ids(),
                        new StackListener() {
                            @Override
                            public void answered(
                                    IoRequest request, Outcome outcome, long enteredNanos) {
                                meter.record(
                                        request.tag().operation(),
                                        request.lengthBytes(),
                                        context.timers().nanoTime() - enteredNanos,
                                        outcome.isSuccess());
                            }

                            @Override
                            public void expired(
                                    IoRequest request, long waitedNanos, boolean wasSent) {}
                        });
    }

    public String name() {
        return name;
    }

    public DeviceShape shape() {
        return top.shape();
    }

    public Meter meter() {
        return meter;
    }

    /// The tag of a new request for a range within the volume.
    public IoTag tag(Operation operation, long offsetBytes, long lengthBytes, int client) {
        return new IoTag(
                context.ids().next(),
                0,
                operation,
                top.locality(operation, offsetBytes, lengthBytes),
                offsetBytes,
                lengthBytes,
                client,
                context.timers().nanoTime());
    }

    public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
        return top.locality(operation, offsetBytes, lengthBytes);
    }

    /// How many bytes from `offsetBytes` on have the same locality.
    public long localityRun(long offsetBytes) {
        return top.localityRun(offsetBytes);
    }

    public void submit(IoRequest request, Completion done) {
        top.submit(request, done);
    }

    @Override
    public void close() {
        top.close();
    }
}

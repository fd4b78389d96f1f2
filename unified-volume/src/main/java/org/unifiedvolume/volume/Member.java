package org.unifiedvolume.volume;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.device.Layer;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.stack.RequestStack;
import org.unifiedvolume.stack.StackListener;
import org.unifiedvolume.stack.StackOptions;
import org.unifiedvolume.stats.Meter;
import org.unifiedvolume.trace.Tracer;

/// One of the devices that a volume is made of: a request stack of its own, then the lane that each
/// request's tag names, then the device.
public final class Member implements BlockDevice {
    private static final Logger LOG = LoggerFactory.getLogger(Member.class);

    private final String uri;
    private final Locality locality;
    private final BlockDevice device;
    private final Lanes lanes;
    private final RequestStack stack;
    private final Meter meter = new Meter();

    /// @param uri how users name it, without secrets
    /// @param locality LOCAL or REMOTE: the lane that its requests take
    public Member(
            String uri,
            Locality locality,
            BlockDevice device,
            StackOptions options,
            IoContext context,
            Lanes lanes,
            Tracer tracer) {
        this.uri = uri;
        this.locality = locality;
        this.device = device;
        this.lanes = lanes;
        this.stack =
                new RequestStack(
                        uri,
                        new Exit(),
                        options,
                        context.timers(),
                        context.ids(),
                        new StackListener() {
                            @Override
                            public void answered(
                                    IoRequest request, Outcome outcome, long enteredNanos) {
                                long nanos = context.timers().nanoTime() - enteredNanos;
                                meter.record(
                                        request.tag().operation(),
                                        request.lengthBytes(),
                                        nanos,
                                        outcome.isSuccess());
                                lanes.of(request).account(request, outcome, nanos);
                                tracer.answered(uri, request, outcome, enteredNanos);
                            }

                            @Override
                            public void expired(
                                    IoRequest request, long waitedNanos, boolean wasSent) {
                                LOG.warn(
                                        "{}: {} at offset {}, {} bytes: no answer for {} ms{}",
                                        uri,
                                        request.tag().operation(),
                                        request.offsetBytes(),
                                        request.lengthBytes(),
                                        waitedNanos / 1_000_000,
                                        wasSent ? "" : ", most of it in the queue");
                            }
                        });
    }

    public String uri() {
        return uri;
    }

    public Meter meter() {
        return meter;
    }

    public Locality locality() {
        return locality;
    }

    @Override
    public DeviceShape shape() {
        return device.shape();
    }

    @Override
    public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
        return locality;
    }

    @Override
    public DeviceStatus status() {
        return device.status();
    }

    /// How many requests the device has now, and how many wait for it.
    public int underWayCount() {
        return stack.underWayCount() + stack.waitingCount();
    }

    /// How many changes were answered `TIMED_OUT` that the device still has: they may happen at any
    /// moment.
    public int overdueCount() {
        return stack.overdueCount();
    }

    @Override
    public void submit(IoRequest request, Completion done) {
        stack.submit(request, done);
    }

    @Override
    public void close() {
        stack.close();
    }

    @Override
    public String toString() {
        return uri;
    }

    /// Where a request leaves the stack: by the lane of its tag.
    private final class Exit extends Layer {
        Exit() {
            super(device);
        }

        @Override
        public Locality locality(Operation operation, long offsetBytes, long lengthBytes) {
            return locality;
        }

        @Override
        public void submit(IoRequest request, Completion done) {
            lanes.of(request).carry(below, request, done);
        }
    }
}

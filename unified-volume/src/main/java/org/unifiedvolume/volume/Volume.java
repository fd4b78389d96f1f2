package org.unifiedvolume.volume;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.stack.RequestStack;
import org.unifiedvolume.stack.StackListener;
import org.unifiedvolume.stack.StackOptions;
import org.unifiedvolume.stats.Meter;
import org.unifiedvolume.trace.Tracer;

/// One disk as clients see it: the top of a tree of devices, where requests get their tags.
///
/// Safe for concurrent use.
public final class Volume implements AutoCloseable {
    /// One who uses the volume: a connection, a mount.
    ///
    /// @param id unique within the process, for tags
    /// @param name for people: `nbd 10.0.0.7:40122`
    public record Client(int id, String name) {}

    private static final AtomicInteger CLIENT_IDS = new AtomicInteger();

    private final String name;
    private final RequestStack top;
    private final IoContext context;
    private final List<Member> members;
    private final Lanes lanes;
    private final Tracer tracer;
    private final Meter meter = new Meter();
    private final Map<Integer, Client> clients = new ConcurrentSkipListMap<>();

    /// @param root the tree of devices below; closed with the volume
    /// @param members the leaves of that tree, for statistics
    /// @param lanes the lanes that the members use
    public Volume(
            String name,
            BlockDevice root,
            List<Member> members,
            Lanes lanes,
            Tracer tracer,
            StackOptions options,
            IoContext context) {
        this.name = name;
        this.context = context;
        this.members = List.copyOf(members);
        this.lanes = lanes;
        this.tracer = tracer;
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
                                tracer.answered("volume", request, outcome, enteredNanos);
                            }

                            @Override
                            public void expired(
                                    IoRequest request, long waitedNanos, boolean wasSent) {}
                        });
    }

    public String name() {
        return name;
    }

    /// Constant but for the size, which may grow.
    public DeviceShape shape() {
        return top.shape();
    }

    /// The state of the volume and of everything it is made of.
    public DeviceStatus status() {
        DeviceStatus root = top.status();
        return new DeviceStatus(
                name,
                root.kind(),
                root.state(),
                root.reason(),
                root.since(),
                root.remedy(),
                root.locality(),
                shape().sizeBytes(),
                root.children());
    }

    public Meter meter() {
        return meter;
    }

    public Tracer tracer() {
        return tracer;
    }

    public Lanes lanes() {
        return lanes;
    }

    public List<Member> members() {
        return members;
    }

    /// Registers one who uses the volume from now on.
    public Client connect(String clientName) {
        Client client = new Client(CLIENT_IDS.incrementAndGet(), clientName);
        clients.put(client.id(), client);
        return client;
    }

    public void disconnect(Client client) {
        clients.remove(client.id());
    }

    public Collection<Client> clients() {
        return clients.values();
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

    /// Starts one request with a tag of this volume; see [BlockDevice#submit]. Any range is taken:
    /// one that the volume does not have is answered `BAD_RANGE`, an empty one at once, and a
    /// change of a volume that cannot be written `READ_ONLY`.
    public void submit(IoRequest request, Completion done) {
        Outcome known = answerAtOnce(request);
        if (known == null) {
            top.submit(request, done, request.tag().startNanos());
        } else {
            done.complete(request, known);
        }
    }

    /// The answer to a request that no device below may see, or null.
    private Outcome answerAtOnce(IoRequest request) {
        long offset = request.offsetBytes();
        long length = request.lengthBytes();
        Operation operation = request.tag().operation();
        DeviceShape shape = shape();
        if (!shape.holds(offset, length)) {
            return new Outcome.Failed(shape.outside(operation, offset, length).within(name));
        }
        if (operation.changesData() && shape.isReadOnly()) {
            return Outcome.failed(DeviceFault.Kind.READ_ONLY, name + " is read-only");
        }
        if (length != 0) {
            return null;
        }
        return switch (request) {
            case IoRequest.Flush _ -> null;
            case IoRequest.Read _ -> new Outcome.Data(Buffers.empty());
            case IoRequest.Locate _ -> new Outcome.Located(List.of());
            case IoRequest.Write _, IoRequest.Zero _, IoRequest.Discard _, IoRequest.Prefetch _ ->
                    Outcome.Done.DONE;
        };
    }

    /// How many requests are under way or wait.
    public int underWayCount() {
        return top.underWayCount() + top.waitingCount();
    }

    /// Closes the tree below. Whoever closes the volume has seen to it that no requests come any
    /// more and that the last ones were flushed.
    @Override
    public void close() {
        top.close();
    }
}

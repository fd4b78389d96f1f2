package org.unifiedvolume.targets.nbd.member;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.targets.nbd.NbdAddress;
import org.unifiedvolume.targets.nbd.NbdHost;
import org.unifiedvolume.targets.nbd.RawServer;
import org.unifiedvolume.targets.nbd.RawServer.Claims;

/// What the tests of the member share: scripted servers, devices that use them, and the check that
/// nothing is left behind.
abstract class RemoteMember {
    static final int SIZE_BYTES = 1 << 20;
    static final long DEADLINE_NANOS = 10_000_000_000L;
    static final long CONNECT_NANOS = 5_000_000_000L;

    /// The answer to one request; counts how often it was given.
    static final class Answer implements Completion {
        private final CountDownLatch first = new CountDownLatch(1);
        private final AtomicInteger count = new AtomicInteger();
        private volatile Outcome outcome;
        private volatile byte[] bytes;
        private volatile boolean givenUp;

        /// From now on nobody waits for the answer.
        void giveUp() {
            givenUp = true;
        }

        @Override
        public boolean isAwaited() {
            return !givenUp;
        }

        @Override
        public void complete(IoRequest request, Outcome told) {
            count.incrementAndGet();
            outcome = told;
            if (told instanceof Outcome.Data(Buffers buffers)) {
                bytes = buffers.toBytes();
                buffers.release();
            }
            first.countDown();
        }

        Outcome await() {
            try {
                if (!first.await(NbdHost.PATIENCE_NANOS, TimeUnit.NANOSECONDS)) {
                    throw new AssertionError("a request was never answered");
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError(e);
            }
            return outcome;
        }

        boolean isThere() {
            return first.getCount() == 0;
        }

        void succeeds() {
            if (await() instanceof Outcome.Failed(DeviceFault fault)) {
                throw new AssertionError(fault.kind() + ": " + fault.getMessage());
            }
        }

        byte[] bytes() {
            succeeds();
            return bytes;
        }

        DeviceFault fault() {
            if (await() instanceof Outcome.Failed(DeviceFault fault)) {
                return fault;
            }
            throw new AssertionError("a request succeeded that should have failed");
        }
    }

    final NbdHost host = new NbdHost();
    final byte[] content = new byte[SIZE_BYTES];
    private final List<RawServer> servers = new ArrayList<>();
    private final List<NbdDevice> devices = new ArrayList<>();
    private final ConcurrentLinkedQueue<Answer> answers = new ConcurrentLinkedQueue<>();

    RawServer server(RawServer.Script script) throws IOException {
        return server(0, script);
    }

    RawServer server(int port, RawServer.Script script) throws IOException {
        RawServer server = new RawServer(port, script);
        servers.add(server);
        return server;
    }

    NbdOptions options(int port, int connections, long deadlineNanos, long replayBytes) {
        try {
            return new NbdOptions(
                    "nbd://there/disk",
                    NbdAddress.of(NbdHost.uri("nbd://127.0.0.1:%d/disk".formatted(port))),
                    null,
                    false,
                    connections,
                    deadlineNanos,
                    CONNECT_NANOS,
                    replayBytes);
        } catch (ConfigFault e) {
            throw new AssertionError(e);
        }
    }

    NbdDevice open(RawServer server) throws IOException {
        return open(options(server.port(), 1, DEADLINE_NANOS, 0));
    }

    NbdDevice open(NbdOptions options) throws IOException {
        NbdDevice device = NbdDevice.open(options, host.transports().plain(), host.io());
        devices.add(device);
        return device;
    }

    /// Opens a device on a server that keeps to the protocol.
    NbdDevice openHonest(Claims claims) throws IOException {
        return open(server(peer -> peer.serve(claims, content)));
    }

    /// A server that shakes hands, takes requests and never answers one.
    RawServer mute(Claims claims) throws IOException {
        return server(
                peer -> {
                    peer.negotiate(claims);
                    peer.awaitEnd();
                });
    }

    /// What a server does with the request that its first client sends first.
    interface FirstAnswer {
        void tell(RawServer.Peer peer, RawServer.Request request) throws IOException;
    }

    /// A server that answers its first request as `lie` says, and nothing else on that connection;
    /// later connections are served as `honest` says.
    RawServer lyingOnce(Claims claims, FirstAnswer lie, RawServer.Script honest)
            throws IOException {
        AtomicBoolean lies = new AtomicBoolean(true);
        return server(
                peer -> {
                    boolean isFirst = lies.getAndSet(false);
                    if (!peer.negotiate(claims)) {
                        return;
                    }
                    if (isFirst) {
                        lie.tell(peer, peer.readRequest());
                        peer.awaitEnd();
                    } else {
                        honest.run(peer);
                    }
                });
    }

    IoTag tag(Operation operation, long offset, long length) {
        return new IoTag(
                host.io().ids().next(),
                0,
                operation,
                Locality.REMOTE,
                offset,
                length,
                0,
                host.io().timers().nanoTime());
    }

    Answer ask(NbdDevice device, IoRequest request) {
        Answer answer = new Answer();
        answers.add(answer);
        device.submit(request, answer);
        return answer;
    }

    Answer read(NbdDevice device, long offset, long length) {
        return ask(device, new IoRequest.Read(tag(Operation.READ, offset, length), offset, length));
    }

    Answer write(NbdDevice device, long offset, byte[] bytes) {
        return write(device, offset, bytes, Durability.VOLATILE);
    }

    Answer write(NbdDevice device, long offset, byte[] bytes, Durability durability) {
        MemorySegment memory = Arena.ofAuto().allocate(Math.max(1, bytes.length));
        memory.copyFrom(MemorySegment.ofArray(bytes));
        Buffers source = Buffers.outsidePool(memory);
        IoTag tag = tag(Operation.WRITE, offset, bytes.length);
        return ask(device, new IoRequest.Write(tag, offset, source, durability));
    }

    Answer zero(NbdDevice device, long offset, long length, boolean fastOnly) {
        return ask(
                device,
                new IoRequest.Zero(
                        tag(Operation.ZERO, offset, length),
                        offset,
                        length,
                        true,
                        fastOnly,
                        Durability.VOLATILE));
    }

    Answer discard(NbdDevice device, long offset, long length) {
        IoTag tag = tag(Operation.DISCARD, offset, length);
        return ask(device, new IoRequest.Discard(tag, offset, length, Durability.VOLATILE));
    }

    Answer flush(NbdDevice device) {
        return ask(device, new IoRequest.Flush(tag(Operation.FLUSH, 0, 0)));
    }

    Answer prefetch(NbdDevice device, long offset, long length) {
        IoTag tag = tag(Operation.PREFETCH, offset, length);
        return ask(device, new IoRequest.Prefetch(tag, offset, length));
    }

    Answer locate(NbdDevice device, long offset, long length) {
        IoTag tag = tag(Operation.LOCATE, offset, length);
        return ask(device, new IoRequest.Locate(tag, offset, length));
    }

    static void awaitState(NbdDevice device, DeviceStatus.State state) {
        NbdHost.await("the member is " + state, () -> device.status().state() == state);
    }

    /// Recognisable bytes for an offset.
    static byte[] pattern(long offset, int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) ((offset + i) * 31 + ((offset + i) >> 8));
        }
        return bytes;
    }

    void fill() {
        System.arraycopy(pattern(0, SIZE_BYTES), 0, content, 0, SIZE_BYTES);
    }

    @AfterEach
    void nothingIsLeftBehind() throws IOException {
        for (NbdDevice device : devices) {
            device.close();
            NbdHost.await("its connections are closed", () -> device.links().count() == 0);
        }
        for (RawServer server : servers) {
            server.close();
        }
        for (Answer answer : answers) {
            answer.await();
        }
        host.close();
        for (Answer answer : answers) {
            assertEquals(1, answer.count.get(), "a request was answered more than once");
        }
    }
}

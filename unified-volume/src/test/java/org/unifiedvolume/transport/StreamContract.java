package org.unifiedvolume.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.loop.Loop;
import org.unifiedvolume.testkit.TestProcess;

/// What every [Transport] promises to the sessions on its streams.
@Timeout(90)
abstract class StreamContract {
    private static final int MIB = 1 << 20;

    final TestProcess process = new TestProcess(64 * MIB);
    final ConcurrentLinkedQueue<Session> accepted = new ConcurrentLinkedQueue<>();
    Transport transport;
    Transport.Listener listener;

    abstract Transport transport();

    abstract void closeTransport();

    /// A session that counts and checks what it receives: byte `n` of a stream is `n * 31`.
    static final class Session implements StreamHandler {
        final ByteStream stream;
        final AtomicLong received = new AtomicLong();
        final AtomicLong drains = new AtomicLong();
        final CompletableFuture<String> closed = new CompletableFuture<>();
        volatile String wrong;

        Session(ByteStream stream) {
            this.stream = stream;
        }

        @Override
        public void received(ByteStream from) {
            Inbox in = stream.inbox();
            while (in.available() > 0) {
                long at = received.get();
                if (in.byteAt(0) != numbered(at) && wrong == null) {
                    wrong = "byte %d is %d".formatted(at, in.byteAt(0));
                }
                // Look at a few, skip the rest: the sender numbers them all.
                received.addAndGet(in.skipUpTo(4093));
            }
        }

        @Override
        public void drained(ByteStream from) {
            drains.incrementAndGet();
        }

        @Override
        public void closed(ByteStream from, String reason) {
            if (!closed.complete(reason)) {
                wrong = "closed twice";
            }
        }
    }

    static byte numbered(long at) {
        return (byte) (at * 31);
    }

    @BeforeEach
    void listen() throws IOException {
        transport = transport();
        listener = transport.listen(address(), this::accept);
    }

    SocketAddress address() throws IOException {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    }

    private Session accept(ByteStream stream) {
        Session session = new Session(stream);
        accepted.add(session);
        return session;
    }

    @AfterEach
    void close() throws Exception {
        listener.close();
        for (Session session : accepted) {
            session.stream.loop().execute(() -> session.stream.close("the test is over"));
            session.closed.get(20, TimeUnit.SECONDS);
            assertEquals(null, session.wrong);
        }
        closeTransport();
        process.close();
    }

    Session dial() throws Exception {
        CompletableFuture<Session> dialled = new CompletableFuture<>();
        List<Loop> loops = new ArrayList<>();
        transport.loops(loops::add);
        transport.dial(
                listener.address(),
                loops.get(0),
                10_000_000_000L,
                new Transport.Dialled() {
                    @Override
                    public StreamHandler connected(ByteStream stream) {
                        Session session = accept(stream);
                        dialled.complete(session);
                        return session;
                    }

                    @Override
                    public void failed(IOException cause) {
                        dialled.completeExceptionally(cause);
                    }
                });
        Session session = dialled.get(20, TimeUnit.SECONDS);
        TestProcess.await("both ends are up", () -> accepted.size() == 2);
        return session;
    }

    Session other(Session one) {
        for (Session session : accepted) {
            if (session != one) {
                return session;
            }
        }
        throw new AssertionError("nobody accepted");
    }

    static void onLoop(Session session, Runnable task) throws Exception {
        CompletableFuture<Void> done = new CompletableFuture<>();
        session.stream
                .loop()
                .execute(
                        () -> {
                            try {
                                task.run();
                                done.complete(null);
                            } catch (Throwable e) {
                                done.completeExceptionally(e);
                            }
                        });
        done.get(20, TimeUnit.SECONDS);
    }

    /// Sends numbered bytes as headers and payloads of many sizes, in one go.
    void send(Session from, long start, int bytes) throws Exception {
        List<Buffers> payloads = new ArrayList<>();
        List<byte[]> headers = new ArrayList<>();
        int at = 0;
        for (int i = 0; at < bytes; i++) {
            int headerBytes = Math.min(bytes - at, 1 + i % 40);
            headers.add(numbers(start + at, headerBytes));
            at += headerBytes;
            int payloadBytes = Math.min(bytes - at, i % 7 * 3001);
            Buffers payload = process.pool().allocate(payloadBytes);
            payload.copyFrom(
                    0, MemorySegment.ofArray(numbers(start + at, payloadBytes)), 0, payloadBytes);
            payloads.add(payload);
            at += payloadBytes;
        }
        onLoop(
                from,
                () -> {
                    for (int i = 0; i < headers.size(); i++) {
                        from.stream.outbox().header(headers.get(i).length).putBytes(headers.get(i));
                        from.stream.outbox().payload(payloads.get(i));
                    }
                    from.stream.flush();
                });
    }

    private static byte[] numbers(long start, int count) {
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++) {
            bytes[i] = numbered(start + i);
        }
        return bytes;
    }

    @Test
    void thousandsOfPiecesArriveInOrder() throws Exception {
        Session client = dial();
        Session server = other(client);
        send(client, 0, 16 * MIB);
        TestProcess.await("all has arrived", () -> server.received.get() == 16 * MIB);
        TestProcess.await("the sender is told", () -> client.drains.get() > 0);
        onLoop(client, () -> assertEquals(0, client.stream.outbox().pendingBytes()));
        send(server, 0, 100_000);
        TestProcess.await("the answer has arrived", () -> client.received.get() == 100_000);
    }

    @Test
    void whoDoesNotReadHoldsTheSenderBack() throws Exception {
        Session client = dial();
        Session server = other(client);
        onLoop(server, server.stream::pauseReading);
        send(client, 0, 24 * MIB);
        long[] pending = {0, -1};
        TestProcess.await(
                "the sender is stuck",
                () -> {
                    pending[1] = pending[0];
                    try {
                        onLoop(client, () -> pending[0] = client.stream.outbox().pendingBytes());
                    } catch (Exception e) {
                        throw new AssertionError(e);
                    }
                    return pending[0] == pending[1];
                });
        assertTrue(pending[0] > 8 * MIB, "only %d bytes wait".formatted(pending[0]));
        assertEquals(0, client.drains.get());
        onLoop(server, server.stream::resumeReading);
        TestProcess.await("all has arrived", () -> server.received.get() == 24 * MIB);
    }

    @Test
    void aSpentPoolOnlyDelays() throws Exception {
        Session client = dial();
        Session server = other(client);
        List<Buffers> taken = new ArrayList<>();
        send(client, 0, 1000);
        TestProcess.await("the first bytes are there", () -> server.received.get() == 1000);
        for (int size = 262_144; size >= 4096; size /= 4) {
            for (Buffers all = process.pool().allocate(size);
                    all != null;
                    all = process.pool().allocate(size)) {
                taken.add(all);
            }
        }
        Buffers one = taken.removeLast();
        byte[] numbers = numbers(1000, 4096);
        one.copyFrom(0, MemorySegment.ofArray(numbers), 0, 4096);
        onLoop(
                client,
                () -> {
                    client.stream.outbox().payload(one.part(0, 4096));
                    client.stream.flush();
                });
        onLoop(
                server,
                () -> {
                    server.stream.outbox().putAll(numbers(0, 1));
                    server.stream.flush();
                });
        taken.forEach(Buffers::release);
        TestProcess.await("the rest is there", () -> server.received.get() == 5096);
        TestProcess.await("the answer is there", () -> client.received.get() == 1);
    }

    @Test
    void theOtherSideLearnsOfTheEnd() throws Exception {
        Session client = dial();
        Session server = other(client);
        send(client, 0, 5000);
        onLoop(client, () -> client.stream.close("for this test"));
        assertEquals("for this test", client.closed.get(20, TimeUnit.SECONDS));
        assertEquals("the peer closed the connection", server.closed.get(20, TimeUnit.SECONDS));
        assertEquals(5000, server.received.get(), "what was sent before the end");
        assertFalse(server.stream.isOpen());
    }

    @Test
    void aPeerThatSaysNoMoreIsGone() throws Exception {
        if (!(listener.address() instanceof InetSocketAddress)) {
            return;
        }
        try (Socket socket = new Socket()) {
            socket.connect(listener.address());
            socket.getOutputStream().write(numbers(0, 3000));
            socket.shutdownOutput();
            TestProcess.await("accepted", () -> accepted.size() == 1);
            Session server = accepted.peek();
            assertEquals("the peer closed the connection", server.closed.get(20, TimeUnit.SECONDS));
            assertEquals(3000, server.received.get());
            assertEquals(-1, socket.getInputStream().read());
        }
    }

    @Test
    void aPeerThatBreaksOffIsGoneEvenIfNobodyReads() throws Exception {
        if (!(listener.address() instanceof InetSocketAddress)) {
            return;
        }
        Socket socket = new Socket();
        socket.connect(listener.address());
        TestProcess.await("accepted", () -> accepted.size() == 1);
        Session server = accepted.peek();
        send(server, 0, 8 * MIB);
        socket.setSoLinger(true, 0);
        socket.close();
        String reason = server.closed.get(20, TimeUnit.SECONDS);
        assertFalse(reason.isBlank() || reason.contains("internal error"), reason);
    }

    @Test
    void nobodyListeningIsSaidWithTheAddress() throws Exception {
        Session first = dial();
        onLoop(first, () -> first.stream.close("for this test"));
        listener.close();
        SocketAddress gone = listener.address();
        if (gone instanceof InetSocketAddress inet) {
            TestProcess.await("the port is free", () -> isFree(inet));
        }
        Exception thrown = assertThrows(Exception.class, this::dial);
        assertTrue(thrown.getMessage().contains("cannot connect to"), thrown.getMessage());
    }

    private static boolean isFree(InetSocketAddress address) {
        try (Socket socket = new Socket()) {
            socket.connect(address);
            return false;
        } catch (IOException e) {
            return true;
        }
    }

    @Test
    void anAddressInUseIsRefused() {
        IOException thrown =
                assertThrows(
                        IOException.class,
                        () -> transport.listen(listener.address(), this::accept));
        assertTrue(thrown.getMessage().contains("cannot listen on"), thrown.getMessage());
    }
}

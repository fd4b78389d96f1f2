package org.unifiedvolume.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.loop.LoopGroup;

@Timeout(30)
class ControlServerTest {
    private static final long PATIENCE_NANOS = 300_000_000L;

    @TempDir private Path folder;
    private Path socket;
    private LoopGroup loops;
    private ControlServer server;
    private final CountDownLatch clientGone = new CountDownLatch(1);

    @BeforeEach
    void listen() throws IOException {
        loops = new LoopGroup(1);
        socket = folder.resolve("control.sock");
        server = ControlServer.listen(socket, this::handle, loops.get(0), PATIENCE_NANOS);
    }

    @AfterEach
    void close() {
        server.close();
        loops.close();
    }

    private Map<String, Object> handle(Request request, ControlServer.Events events)
            throws ControlFault, IOException {
        return switch (request.command()) {
            case "echo" -> Map.of("text", request.needText("text"));
            case "count" -> {
                for (long i = 0; i < request.number("to", 3, 0, 1000); i++) {
                    events.send(Map.of("number", i));
                }
                yield Map.of();
            }
            case "flood" -> {
                try {
                    while (true) {
                        events.send(Map.of("text", "x".repeat(10_000)));
                    }
                } finally {
                    clientGone.countDown();
                }
            }
            case "bug" -> throw new IllegalStateException("planted");
            default -> throw new ControlFault("unknown: " + request.command());
        };
    }

    private String say(String text) throws IOException {
        try (SocketChannel channel = connect()) {
            channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
            String line = new LineChannel(channel, 1 << 20).readLine();
            return line == null ? "" : line;
        }
    }

    private SocketChannel connect() throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(socket));
        return channel;
    }

    @Test
    void answersARequest() throws Exception {
        assertEquals(
                Map.of("text", "ä\n\"{"),
                ControlClient.call(socket, Request.of("echo").with("text", "ä\n\"{")));
    }

    @Test
    void tellsEventsBeforeTheResult() throws Exception {
        List<Object> numbers = new ArrayList<>();
        ControlClient.call(
                socket, Request.of("count").with("to", 4), e -> numbers.add(e.get("number")));
        assertEquals(List.of(0L, 1L, 2L, 3L), numbers);
    }

    @Test
    void tellsWhyACommandFailed() {
        ControlFault fault =
                assertThrows(ControlFault.class, () -> ControlClient.call(socket, Request.of("x")));
        assertEquals("unknown: x", fault.getMessage());
    }

    @Test
    void survivesAFaultOfItsOwn() throws Exception {
        assertThrows(ControlFault.class, () -> ControlClient.call(socket, Request.of("bug")));
        answersARequest();
    }

    @Test
    void answersRubbishWithAnError() throws Exception {
        assertTrue(say("hello\n").startsWith("{\"error\":\"the request is not JSON"));
        assertTrue(say("[]\n").contains("not a JSON object"));
        assertTrue(say("{}\n").contains("names no command"));
        assertTrue(say("{\"do\":7}\n").contains("names no command"));
        assertTrue(say("{\"do\":\"echo\"}\n").contains("no argument text"));
        assertTrue(say("{\"do\":\"echo\",\"text\":[1]}\n").contains("text is not text"));
        assertTrue(say("{\"do\":\"count\",\"to\":-1}\n").contains("number from 0 to 1000"));
        assertTrue(say("{\"do\":\"count\",\"to\":99999999999999999999}\n").contains("error"));
        assertTrue(say("[".repeat(60_000) + "\n").contains("error"));
        answersARequest();
    }

    @Test
    void answersARequestThatIsTooLongWithoutReadingItToTheEnd() throws Exception {
        assertTrue(say("x".repeat(70_000)).contains("longer than 65536 bytes"));
    }

    @Test
    void survivesRandomBytes() throws Exception {
        long seed = Long.getLong("uvol.seed", System.nanoTime());
        Random random = new Random(seed);
        for (int i = 0; i < 300; i++) {
            byte[] bytes = new byte[1 + random.nextInt(200)];
            random.nextBytes(bytes);
            bytes[bytes.length - 1] = '\n';
            try (SocketChannel channel = connect()) {
                channel.write(ByteBuffer.wrap(bytes));
            }
        }
        answersARequest();
    }

    @Test
    void cutsOffAClientThatSaysNothing() throws IOException {
        try (SocketChannel channel = connect()) {
            assertEquals(-1, channel.read(ByteBuffer.allocate(1)));
        }
    }

    @Test
    void cutsOffAClientThatDoesNotRead() throws Exception {
        try (SocketChannel channel = connect()) {
            channel.write(ByteBuffer.wrap("{\"do\":\"flood\"}\n".getBytes(StandardCharsets.UTF_8)));
            assertTrue(clientGone.await(10, TimeUnit.SECONDS));
        }
    }

    @Test
    void noticesThatAClientHasLeft() throws Exception {
        ControlClient.call(socket, Request.of("flood"), _ -> false);
        assertTrue(clientGone.await(10, TimeUnit.SECONDS));
    }

    @Test
    void servesNobodyElse() throws IOException {
        assertEquals(
                "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)));
    }

    @Test
    void takesTheRemainsOfACrashAway() throws Exception {
        Path stale = folder.resolve("stale.sock");
        ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        dead.bind(UnixDomainSocketAddress.of(stale));
        dead.close();
        assertTrue(Files.exists(stale));
        assertFalse(ControlClient.isAlive(stale));
        try (ControlServer second = ControlServer.listen(stale, this::handle, loops.get(0))) {
            assertEquals(0, second.connectionCount());
            assertTrue(ControlClient.isAlive(stale));
        }
        assertFalse(Files.exists(stale));
    }

    @Test
    void turnsAwayMoreThanItCanServe() throws Exception {
        List<SocketChannel> silent = new ArrayList<>();
        try {
            for (int i = 0; i < 64; i++) {
                silent.add(connect());
            }
            long end = System.nanoTime() + 5_000_000_000L;
            while (server.connectionCount() < 64 && System.nanoTime() < end) {
                Thread.onSpinWait();
            }
            assertTrue(say("").contains("too many commands"));
        } finally {
            for (SocketChannel channel : silent) {
                channel.close();
            }
        }
    }
}

package org.unifiedvolume.it.harness;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/// Everything that one test uses of the machine: a folder, daemons, other programs, mounts. After
/// the test all of it is ended and removed in reverse order, and the test fails if the daemons left
/// anything behind.
public final class Lab implements BeforeEachCallback, AfterEachCallback {
    private static final Set<AutoCloseable> RUNNING = ConcurrentHashMap.newKeySet();
    private static final Set<Integer> GIVEN_PORTS = ConcurrentHashMap.newKeySet();

    static {
        // Whoever ends the tests with Ctrl-C shall not have to look for what they started.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> RUNNING.forEach(Lab::endQuietly)));
    }

    private final Deque<AutoCloseable> toClose = new ArrayDeque<>();
    private final List<Daemon> daemons = new ArrayList<>();
    private Path folder;

    @Override
    public void beforeEach(ExtensionContext context) throws IOException {
        Uvol.checkPackaged();
        folder = Files.createTempDirectory("uvol-it-").toRealPath();
    }

    @Override
    public void afterEach(ExtensionContext context) throws Exception {
        List<Throwable> problems = new ArrayList<>();
        while (!toClose.isEmpty()) {
            AutoCloseable last = toClose.pop();
            RUNNING.remove(last);
            try {
                last.close();
            } catch (Exception | AssertionError e) {
                problems.add(e);
            }
        }
        Leftovers leftovers = Leftovers.of(folder);
        if (!leftovers.isEmpty()) {
            problems.add(new AssertionError("left behind: " + leftovers));
            leftovers.remove();
        }
        if (context.getExecutionException().isPresent() || !problems.isEmpty()) {
            daemons.forEach(daemon -> System.err.println(daemon));
        }
        Folders.delete(folder);
        if (!problems.isEmpty()) {
            AssertionError failure =
                    new AssertionError(
                            "when all was ended: " + problems.getFirst().getMessage(),
                            problems.getFirst());
            problems.stream().skip(1).forEach(failure::addSuppressed);
            throw failure;
        }
    }

    private static void endQuietly(AutoCloseable running) {
        try {
            running.close();
        } catch (Exception | AssertionError e) {
            System.err.println("could not be ended: " + e.getMessage());
        }
    }

    /// Has something closed after the test, before what was there earlier.
    public <T extends AutoCloseable> T keep(T closeable) {
        toClose.push(closeable);
        RUNNING.add(closeable);
        return closeable;
    }

    public Path folder() {
        return folder;
    }

    /// A path in the test's folder; nothing is there yet.
    public Path path(String name) {
        return folder.resolve(name);
    }

    /// A new folder in the test's folder.
    public Path newFolder(String name) throws IOException {
        return Files.createDirectory(path(name));
    }

    /// A new sparse file.
    public Path sparse(String name, long sizeBytes) throws IOException {
        Path file = path(name);
        try (RandomAccessFile made = new RandomAccessFile(file.toFile(), "rw")) {
            made.setLength(sizeBytes);
        }
        return file;
    }

    /// How much space a file in the test's folder takes, holes not counted.
    public long allocatedBytes(String name) {
        return 512
                * Long.parseLong(
                        Command.of("stat", "-c", "%b", path(name)).run().succeeds().out().strip());
    }

    /// A new file with islands of random bytes in a sparse sea, as disk images are.
    public Path image(String name, long sizeBytes, long seed) throws IOException {
        Path file = path(name);
        Random random = new Random(seed);
        try (RandomAccessFile made = new RandomAccessFile(file.toFile(), "rw")) {
            made.setLength(sizeBytes);
            byte[] island = new byte[64 << 10];
            for (long at = 0; at + island.length <= sizeBytes; at += 1 << 20) {
                if (random.nextInt(3) > 0) {
                    random.nextBytes(island);
                    made.seek(at + random.nextInt(15) * (64L << 10));
                    made.write(island);
                }
            }
        }
        return file;
    }

    /// A port of loopback that nobody listens on now, and that no other test has been given.
    public int port() throws IOException {
        while (true) {
            try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
                if (GIVEN_PORTS.add(socket.getLocalPort())) {
                    return socket.getLocalPort();
                }
            }
        }
    }

    /// Writes a configuration file.
    public Path write(ServiceFile service) throws IOException {
        return write("uvol.yaml", service.toString());
    }

    /// Writes a file in the test's folder.
    public Path write(String name, String text) throws IOException {
        return Files.writeString(path(name), text, StandardCharsets.UTF_8);
    }

    /// Starts the daemon and waits until it serves.
    public Daemon serve(ServiceFile service) throws IOException {
        return serve(write(service));
    }

    /// Starts the daemon and waits until it serves.
    public Daemon serve(Path file) {
        return start(file).awaitReady();
    }

    /// Starts the daemon, whatever comes of it.
    public Daemon start(Path file) {
        Daemon daemon = keep(Daemon.start(file, Map.of()));
        daemons.add(daemon);
        return daemon;
    }

    /// Has the daemon refuse a file.
    ///
    /// @return what it said
    public Command.Result refuses(Path file) {
        return Uvol.command("serve", file).within(Duration.ofSeconds(30)).run().fails();
    }

    /// Starts nbdkit in the foreground on a port and waits until it serves.
    public Peer nbdkit(int port, Object... arguments) {
        List<Object> words = new ArrayList<>(List.of("-f", "-i", "127.0.0.1", "-p", port));
        words.addAll(List.of(arguments));
        return peer("nbdkit", words.toArray()).listens(port);
    }

    /// Starts qemu-nbd on a disk and waits until it serves. It outlives clients that hang up in the
    /// middle of its replies, where nbdkit 1.32 now and then ends itself (an assertion in
    /// `raw_send_socket`).
    public Peer qemuNbd(int port, Path disk) {
        Object[] words = {"-t", "-e", 8, "-b", "127.0.0.1", "-p", port, "-f", "raw", disk};
        return peer("qemu-nbd", words).listens(port);
    }

    /// Waits until somebody accepts connections on a port of loopback.
    public void awaitListening(int port) {
        InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        Waiting.until(
                "somebody listens on port " + port,
                Duration.ofSeconds(20),
                () -> Peer.canConnect(address));
    }

    /// Starts another program; it is killed after the test.
    public Peer peer(String program, Object... arguments) {
        List<String> words = new ArrayList<>();
        words.add(program.startsWith("/") ? program : Programs.find(program).toString());
        for (Object argument : arguments) {
            words.add(argument.toString());
        }
        return keep(Peer.start(folder, words));
    }

    /// Mounts a small filesystem in memory; unmounted after the test.
    public Path tmpfs(String name, long sizeBytes) throws IOException {
        Programs.needRoot("mount a small filesystem");
        Path where = newFolder(name);
        Command.of("mount", "-t", "tmpfs", "-o", "size=" + sizeBytes, "uvol-it", where)
                .run()
                .succeeds();
        keep(() -> Command.of("umount", "-l", where).run().succeeds());
        return where;
    }
}

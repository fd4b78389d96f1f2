package org.unifiedvolume.it.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/// A real program that runs beside the test: another host's server, a load.
public final class Peer implements AutoCloseable {
    private static final Duration START_LIMIT = Duration.ofSeconds(20);

    private final List<String> words;
    private final Process process;
    private final Path log;

    private Peer(List<String> words, Process process, Path log) {
        this.words = words;
        this.process = process;
        this.log = log;
    }

    /// Starts a program; what it prints goes to a file in `folder`.
    static Peer start(Path folder, List<String> words) {
        try {
            Path log = Files.createTempFile(folder, "peer", ".log");
            Process process =
                    Command.builder(words, Map.of())
                            .redirectErrorStream(true)
                            .redirectOutput(log.toFile())
                            .start();
            return new Peer(words, process, log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Waits until the program accepts connections on a port of loopback.
    public Peer listens(int port) {
        return listens(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    }

    /// Waits until the program accepts connections on a Unix socket.
    public Peer listens(Path socket) {
        return listens(UnixDomainSocketAddress.of(socket));
    }

    private Peer listens(SocketAddress address) {
        Waiting.until(
                () -> "it listens on %s: %s".formatted(address, this),
                START_LIMIT,
                () -> {
                    if (!process.isAlive()) {
                        throw new AssertionError("ended before it listened: " + this);
                    }
                    return canConnect(address);
                });
        return this;
    }

    /// Whether somebody accepts connections there.
    static boolean canConnect(SocketAddress address) throws IOException {
        try (SocketChannel channel =
                address instanceof UnixDomainSocketAddress
                        ? SocketChannel.open(StandardProtocolFamily.UNIX)
                        : SocketChannel.open()) {
            return channel.connect(address);
        }
    }

    public long pid() {
        return process.pid();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    public String output() {
        try {
            return new String(Files.readAllBytes(log), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Ends the program as a power cut would: SIGKILL.
    public void kill() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        await();
    }

    /// Stops the program in its tracks: its connections stay, but nothing is answered.
    public void freeze() {
        Command.of("kill", "-STOP", pid()).run().succeeds();
    }

    public void thaw() {
        Command.of("kill", "-CONT", pid()).run().succeeds();
    }

    /// Waits for the end of a program that ends by itself.
    ///
    /// @return its exit code
    public int ends(Duration limit) {
        try {
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new AssertionError("no end within %s: %s".formatted(limit, this));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
        return process.exitValue();
    }

    private void await() {
        ends(Duration.ofSeconds(20));
    }

    @Override
    public void close() {
        if (process.isAlive()) {
            kill();
        }
    }

    @Override
    public String toString() {
        return String.join(" ", words) + "\n" + output().indent(2);
    }
}

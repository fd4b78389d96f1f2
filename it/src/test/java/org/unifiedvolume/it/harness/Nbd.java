package org.unifiedvolume.it.harness;

import java.nio.file.Path;
import java.util.List;

/// NBD URIs as the tools spell them, and the calls that many tests make with them.
public final class Nbd {
    private static final String HOST = "nbd://127.0.0.1:";

    private Nbd() {}

    /// An export on a port of loopback.
    public static String uri(int port, String name) {
        return HOST + port + "/" + name;
    }

    /// An export on a Unix socket.
    public static String uri(Path socket, String name) {
        return "nbd+unix:///%s?socket=%s".formatted(name, socket);
    }

    /// Copies an image or an export onto another one, and fails unless that succeeds.
    public static void copy(Object source, Object target, Object... options) {
        Command.of("nbdcopy", arguments(options, source, target)).run().succeeds();
    }

    /// Fails unless an image and an export, or two of either, hold the same bytes.
    public static void assertSame(Object one, Object other) {
        Command.of("qemu-img", "compare", "-f", "raw", "-F", "raw", one, other).run().succeeds();
    }

    /// Runs a Python script with libnbd connected to an export as `h`; assertions in it fail the
    /// test.
    public static Command.Result shell(String uri, String script) {
        return Command.of("nbdsh", "-u", uri, "-c", script).run().succeeds();
    }

    /// Runs commands of qemu-io on an export; any that fails fails the test.
    public static Command.Result io(Object uri, String... commands) {
        Command.Result result = tryIo(uri, commands).succeeds();
        if (result.out().contains("verification failed") || result.out().contains("failed:")) {
            throw new AssertionError(result);
        }
        return result;
    }

    /// Runs commands of qemu-io on an export, whatever comes of it.
    public static Command.Result tryIo(Object uri, String... commands) {
        Object[] words = new Object[3 + 2 * commands.length];
        words[0] = "-f";
        words[1] = "raw";
        for (int i = 0; i < commands.length; i++) {
            words[2 + 2 * i] = "-c";
            words[3 + 2 * i] = commands[i];
        }
        words[words.length - 1] = uri;
        return Command.of("qemu-io", words).run();
    }

    private static Object[] arguments(Object[] options, Object... more) {
        java.util.ArrayList<Object> all = new java.util.ArrayList<>(List.of(options));
        all.addAll(List.of(more));
        return all.toArray();
    }
}

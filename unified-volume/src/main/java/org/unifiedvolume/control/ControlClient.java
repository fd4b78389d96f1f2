package org.unifiedvolume.control;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Map;

/// Has one command carried out by a running service.
public final class ControlClient {
    private static final int MAX_ANSWER_BYTES = 64 << 20;

    private ControlClient() {}

    /// What is done with events on the way; false ends the command.
    @FunctionalInterface
    public interface Watcher {
        boolean event(Map<String, Object> event);
    }

    /// Whether a service answers at a socket.
    public static boolean isAlive(Path socket) {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return channel.connect(UnixDomainSocketAddress.of(socket));
        } catch (IOException | IllegalArgumentException e) {
            return false;
        }
    }

    /// Sends a request that brings no events.
    public static Map<String, Object> call(Path socket, Request request)
            throws ControlFault, IOException {
        return call(socket, request, _ -> true);
    }

    /// Sends a request and waits for its end.
    ///
    /// @return the result; empty if the watcher ended the command
    /// @throws ControlFault if the service says that it cannot be done
    /// @throws IOException if the service cannot be reached, or went away
    public static Map<String, Object> call(Path socket, Request request, Watcher watcher)
            throws ControlFault, IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            LineChannel lines = new LineChannel(channel, MAX_ANSWER_BYTES);
            lines.writeLine(Json.write(request.toJson()));
            while (true) {
                String line = lines.readLine();
                if (line == null) {
                    throw new IOException("the service went away before it had answered");
                }
                switch (Answer.ofJson(Json.readObject(line))) {
                    case Answer.Event(Map<String, Object> event) -> {
                        if (!watcher.event(event)) {
                            return Map.of();
                        }
                    }
                    case Answer.Result(Map<String, Object> result) -> {
                        return result;
                    }
                    case Answer.Failure(String message) -> throw new ControlFault(message);
                    case Answer.Idle() -> {}
                }
            }
        }
    }
}

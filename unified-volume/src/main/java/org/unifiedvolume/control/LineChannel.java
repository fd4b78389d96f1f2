package org.unifiedvolume.control;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/// Lines of text over a socket, none longer than a limit.
final class LineChannel implements AutoCloseable {
    /// A line is longer than the limit.
    static final class TooLong extends IOException {
        TooLong(int maxLineBytes) {
            super("a line is longer than %d bytes".formatted(maxLineBytes));
        }
    }

    private static final int RECEIVE_BYTES = 8192;

    private final SocketChannel channel;
    private final int maxLineBytes;
    private final ByteBuffer received = ByteBuffer.allocate(RECEIVE_BYTES).flip();

    LineChannel(SocketChannel channel, int maxLineBytes) {
        this.channel = channel;
        this.maxLineBytes = maxLineBytes;
    }

    /// The next line without its end; null at the end of the stream. What stands behind the last
    /// line's end is dropped.
    ///
    /// @throws IOException if the line is too long or the connection broke
    String readLine() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        while (true) {
            while (received.hasRemaining()) {
                byte next = received.get();
                if (next == '\n') {
                    return line.toString(StandardCharsets.UTF_8);
                }
                if (line.size() == maxLineBytes) {
                    throw new TooLong(maxLineBytes);
                }
                line.write(next);
            }
            received.clear();
            int count = channel.read(received);
            received.flip();
            if (count < 0) {
                return null;
            }
        }
    }

    void writeLine(String text) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap((text + "\n").getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}

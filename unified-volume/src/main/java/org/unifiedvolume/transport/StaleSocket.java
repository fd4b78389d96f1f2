package org.unifiedvolume.transport;

import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;

/// Takes away the socket that a process left behind when it was killed; without that its successor
/// could not listen at the same path.
final class StaleSocket {
    private StaleSocket() {}

    /// Deletes a Unix socket at which nobody listens. Anything else at the path is left alone, and
    /// so is a socket of which that is not certain.
    static void clear(SocketAddress address) throws IOException {
        if (!(address instanceof UnixDomainSocketAddress unix) || !isSocket(unix.getPath())) {
            return;
        }
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            // Not to wait for one whose queue is full.
            probe.configureBlocking(false);
            probe.connect(unix);
        } catch (ConnectException e) {
            Files.deleteIfExists(unix.getPath());
        } catch (IOException e) {
            // It may be alive: the attempt to listen will say what there is to say.
            return;
        }
    }

    private static boolean isSocket(Path path) throws IOException {
        return Files.exists(path, LinkOption.NOFOLLOW_LINKS)
                && Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                        .isOther();
    }
}

package org.unifiedvolume.transport;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StaleSocketTest {
    @TempDir private Path folder;

    private ServerSocketChannel listen(Path path) throws Exception {
        ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        channel.bind(UnixDomainSocketAddress.of(path));
        return channel;
    }

    @Test
    void isTakenAwayWhenNobodyListens() throws Exception {
        Path path = folder.resolve("dead.sock");
        listen(path).close();
        assertTrue(Files.exists(path));
        StaleSocket.clear(UnixDomainSocketAddress.of(path));
        assertFalse(Files.exists(path));
    }

    @Test
    void isLeftAloneWhileSomebodyListens() throws Exception {
        Path path = folder.resolve("alive.sock");
        try (ServerSocketChannel alive = listen(path)) {
            StaleSocket.clear(UnixDomainSocketAddress.of(path));
            assertTrue(Files.exists(path));
            assertTrue(alive.isOpen());
        }
    }

    @Test
    void isNotTakenForAFile() throws Exception {
        Path path = Files.writeString(folder.resolve("file"), "precious");
        StaleSocket.clear(UnixDomainSocketAddress.of(path));
        assertTrue(Files.exists(path));
        StaleSocket.clear(UnixDomainSocketAddress.of(folder.resolve("nothing")));
    }
}

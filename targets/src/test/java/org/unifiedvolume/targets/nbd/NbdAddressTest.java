package org.unifiedvolume.targets.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.unifiedvolume.config.ConfigFault;

class NbdAddressTest {
    private static NbdAddress address(String uri) throws ConfigFault {
        return NbdAddress.of(NbdHost.uri(uri));
    }

    @Test
    void namesHostPortAndExport() throws ConfigFault {
        assertEquals(
                new NbdAddress("10.0.0.2", 10809, null, "b", false), address("nbd://10.0.0.2/b"));
        assertEquals(
                new NbdAddress("host", 99, null, "a/b c", true), address("nbds://host:99/a/b%20c"));
        assertEquals(new NbdAddress("::1", 1, null, "", false), address("nbd://[::1]:1"));
        assertEquals(
                new NbdAddress("", 0, Path.of("/run/x y"), "name", true),
                address("nbds+unix:///name?socket=/run/x%20y"));
        assertEquals(Path.of("/base/x"), address("nbd+unix:///?socket=x").socket());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nbd://10.0.0.2/b",
                "nbds://host:99/a/b%20c",
                "nbd://[::1]:1/",
                "nbd://host/%25%3f%26%23",
                "nbd://host/%c3%a4+b",
                "nbd+unix:///name?socket=/run/x%20y",
                "nbds+unix:///?socket=/run/x"
            })
    void canBeWrittenAndReadBack(String uri) throws ConfigFault {
        NbdAddress address = address(uri);
        String written = address.uri(address.exportName(), address.port());
        assertEquals(uri, written);
        assertEquals(address, address(written));
    }

    @Test
    void saysWhereWithoutWhat() throws ConfigFault {
        assertEquals("[::1]:10809", address("nbd://[::1]/a").where());
        assertEquals("host:7", address("nbd://host:7/a").where());
        assertEquals("/run/x", address("nbd+unix:///a?socket=/run/x").where());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "nbd:///name | names no host; write nbd://host:10809/name",
                "nbd://host:x/a | names no host; write nbd://host:10809/name",
                "nbd://host:65536/a | has port 65536; ports end at 65535",
                "nbd://host/a?socket=/x | has a socket, but is for TCP; write nbd+unix:///name?socket=…",
                "nbd+unix:///a | names no socket; add ?socket=/path/to/socket",
                "nbd+unix://h/a?socket=/x | names a host and a socket; write three slashes: nbd+unix:///name?socket=…"
            })
    void saysWhatIsWrong(String uri, String expected) {
        String message = assertThrows(ConfigFault.class, () -> address(uri)).getMessage();
        assertEquals("command line: %s %s".formatted(uri, expected), message);
    }

    @Test
    void refusesANameThatNoServerTakes() {
        String message =
                assertThrows(ConfigFault.class, () -> address("nbd://h/" + "x".repeat(4097)))
                        .getMessage();
        assertTrue(message.endsWith("has a name that is too long; names have at most 4096 bytes"));
        String wide =
                assertThrows(ConfigFault.class, () -> address("nbd://h/" + "ä".repeat(2049)))
                        .getMessage();
        assertTrue(wide.endsWith("names have at most 4096 bytes"));
    }

    @Test
    void resolvesNamesAndSaysWhichIsUnknown() throws Exception {
        InetSocketAddress local = (InetSocketAddress) address("nbd://127.0.0.1:5/a").resolve();
        assertEquals(5, local.getPort());
        String message =
                assertThrows(
                                UnknownHostException.class,
                                () -> address("nbd://no-such-host.invalid/a").resolve())
                        .getMessage();
        assertEquals("the host name no-such-host.invalid is not known", message);
    }
}

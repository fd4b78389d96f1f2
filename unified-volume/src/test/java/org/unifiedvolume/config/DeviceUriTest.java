package org.unifiedvolume.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class DeviceUriTest {
    private static final Place PLACE = new Place("uvol.yaml", 12, 9);
    private static final Path BASE = Path.of("/etc/uvol");

    private static DeviceUri parse(String text) throws ConfigFault {
        return DeviceUri.parse(PLACE, BASE, text);
    }

    @ParameterizedTest
    @CsvSource({
        "/dev/sdb, /dev/sdb",
        "file:/srv/a.img, /srv/a.img",
        "file:a.img, /etc/uvol/a.img",
        "./a.img, /etc/uvol/a.img",
        "../a.img, /etc/a.img",
        "file:///srv/a.img, /srv/a.img",
        "file:/srv/a%20b%25.img, /srv/a b%.img",
        "file:/srv/a+b.img, /srv/a+b.img"
    })
    void namesFiles(String text, String path) throws ConfigFault {
        DeviceUri uri = parse(text);
        assertEquals("file", uri.scheme());
        assertEquals(Path.of(path), uri.filePath());
    }

    @Test
    void namesRemoteExports() throws ConfigFault {
        DeviceUri uri = parse("NBD://host:10809/name?connections=4&deadline=10s");
        assertEquals("nbd", uri.scheme());
        assertEquals("host:10809", uri.authority());
        assertEquals("/name", uri.path());
        assertEquals(4, uri.number("connections", 2, 1, 64));
        assertEquals(10_000_000_000L, uri.duration("deadline", 0));
        assertEquals(7, uri.size("replay", 7));
        assertNull(uri.option("socket"));
        uri.rejectUnknownKeys();
    }

    private static void refused(String part, Refusal refusal) {
        String message = assertThrows(ConfigFault.class, refusal::run).getMessage();
        assertTrue(message.startsWith("uvol.yaml:12:9: "), message);
        assertTrue(message.contains(part), "\"%s\" lacks \"%s\"".formatted(message, part));
        assertTrue(message.contains("; "), "no remedy: " + message);
    }

    private interface Refusal {
        void run() throws ConfigFault;
    }

    @Test
    void refusesWhatIsNoUri() {
        refused("\"\" is not a device", () -> parse(""));
        refused("\"media\" is not a device", () -> parse("media"));
        refused("write a URI such as file:", () -> parse("1file:/a"));
        refused("\"size\" in file:/a?size is not an option", () -> parse("file:/a?size"));
        refused("gives size twice", () -> parse("file:/a?size=1&size=2"));
        refused("broken % escape", () -> parse("file:/a%zz"));
        refused("has no path", () -> parse("file:").filePath());
    }

    @Test
    void refusesOptionsByName() {
        refused(
                "has direct=yes; write true or false",
                () -> parse("/a?direct=yes").flag("direct", false));
        refused(
                "has depth=0; write a number from 1 to 8",
                () -> parse("/a?depth=0").number("depth", 1, 1, 8));
        refused(
                "has depth=x; write a number from 1 to 8",
                () -> parse("/a?depth=x").number("depth", 1, 1, 8));
        refused(
                "unknown option \"colour\"; known ones are direct, size",
                () -> {
                    DeviceUri uri = parse("/a?colour=red");
                    uri.flag("direct", false);
                    uri.size("size", 0);
                    uri.rejectUnknownKeys();
                });
    }

    @Test
    void secretsStayOutOfMessages() throws ConfigFault {
        DeviceUri uri = parse("iscsi://user%secret@host:3260/iqn.2026-11.org.x:media/0");
        assertFalse(uri.toString().contains("secret"), uri.toString());
        assertFalse(uri.fault("is odd", "mend it").getMessage().contains("secret"));
        assertTrue(uri.text().contains("secret"));
    }
}

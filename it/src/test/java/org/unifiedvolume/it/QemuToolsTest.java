package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.unifiedvolume.it.harness.Command;
import org.unifiedvolume.it.harness.Lab;
import org.unifiedvolume.it.harness.Nbd;
import org.unifiedvolume.it.harness.ServiceFile;

/// Promise: QEMU's tools convert, compare, map, check and exercise volumes.
class QemuToolsTest {
    private static final long SIZE = 64L << 20;

    @RegisterExtension final Lab lab = new Lab();

    private String uri;

    @BeforeEach
    void serveStripes() throws IOException {
        uri = Nbd.uri(lab.port(), "media");
        lab.serve(
                ServiceFile.of(
                        "media",
                        "raid0",
                        List.of(lab.sparse("a.img", SIZE / 2), lab.sparse("b.img", SIZE / 2)),
                        List.of(uri),
                        "chunk: 64KiB"));
    }

    @Test
    void qemuImgConvertsInAndOut() throws IOException {
        Path image = lab.image("image", SIZE, 23);
        Command.of("qemu-img", "convert", "-n", "-f", "raw", "-O", "raw", image, uri)
                .run()
                .succeeds();
        Nbd.assertSame(image, uri);

        Path back = lab.path("back.qcow2");
        Command.of("qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-m", 8, "-W", uri, back)
                .run()
                .succeeds();
        Command.of("qemu-img", "check", back).run().succeeds();
        Command.of("qemu-img", "compare", "-f", "raw", "-F", "qcow2", image, back).run().succeeds();
    }

    @Test
    void qemuImgKeepsAQcow2OnAVolume() {
        Command.of("qemu-img", "create", "-f", "qcow2", uri, "48M").run().succeeds();
        Command.of("qemu-io", "-f", "qcow2", "-c", "write -P 9 5M 3M", uri).run().succeeds();
        Command.of("qemu-io", "-f", "qcow2", "-c", "read -P 9 5M 3M", uri).run().succeeds();
        Command.of("qemu-img", "check", "-f", "qcow2", uri).run().succeeds();
    }

    @Test
    void qemuImgMapsAndComparesTheHoles() {
        Nbd.io(uri, "write -P 1 64k 64k", "write -P 2 1M 128k", "discard 1M 64k");
        JsonNode map =
                Command.of("qemu-img", "map", "-f", "raw", "--output=json", uri)
                        .run()
                        .succeeds()
                        .json();
        StringBuilder data = new StringBuilder();
        long end = 0;
        for (JsonNode extent : map) {
            assertEquals(end, extent.path("start").asLong(), "the map has gaps");
            end += extent.path("length").asLong();
            if (extent.path("data").asBoolean()) {
                data.append(
                        "%d+%d "
                                .formatted(
                                        extent.path("start").asLong(),
                                        extent.path("length").asLong()));
            }
        }
        assertEquals(SIZE, end);
        assertEquals("65536+65536 1114112+65536 ", data.toString());
    }

    @Test
    void qemuIoFindsItsPatternsAgain() {
        Nbd.io(
                uri,
                "write -P 0x11 0 1M",
                "write -f -P 0x22 60k 8k",
                "writev -P 0x33 2M 64k 512 4k 1M",
                "aio_write -P 0x44 4M 2M",
                "aio_write -P 0x55 6M 2M",
                "aio_flush",
                "write -z 100k 300k",
                "write -z -u 500k 100k",
                "discard 700k 100k",
                "write -P 0x66 512 512",
                "flush");
        Nbd.io(
                uri,
                "read -P 0x11 0 512",
                "read -P 0x66 512 512",
                "read -P 0x11 1k 59k",
                "read -P 0x22 60k 8k",
                "read -P 0x11 68k 32k",
                "read -P 0 100k 300k",
                "read -P 0x11 400k 100k",
                "read -P 0 500k 100k",
                "read -P 0x11 600k 100k",
                "read -P 0 700k 100k",
                "read -P 0x11 800k 224k",
                "read -P 0x33 2M 1118720",
                "read -P 0x44 4M 2M",
                "read -P 0x55 6M 2M",
                "read -P 0 8M 32M");
    }

    @Test
    void qemuIoIsToldWhatIsOutOfRange() {
        Command.Result result = Nbd.tryIo(uri, "read 64M 512");
        assertTrue(result.out().contains("failed") || result.exitCode() != 0, result::toString);
        Nbd.io(uri, "read -P 0 67108352 512");
    }

    @Test
    void qemuImgBenchDrivesDepth32() {
        Command.of(
                        "qemu-img",
                        "bench",
                        "-f",
                        "raw",
                        "-c",
                        4000,
                        "-d",
                        32,
                        "-s",
                        4096,
                        "-w",
                        "--pattern=90",
                        uri)
                .run()
                .succeeds()
                .says("Run completed");
        Nbd.io(uri, "read -P 90 0 " + 4000 * 4096);
    }
}

package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.unifiedvolume.it.harness.Command;
import org.unifiedvolume.it.harness.Lab;
import org.unifiedvolume.it.harness.Nbd;
import org.unifiedvolume.it.harness.ServiceFile;

/// Promise: `nbdcopy` moves images in and out over many connections, and holes stay holes.
class NbdcopyTest {
    private static final long SIZE = 96L << 20;

    /// What a mirror keeps on a member of about that size beside data.
    private static final long MIRROR_METADATA = 1 << 20;

    @RegisterExtension final Lab lab = new Lab();

    @ParameterizedTest
    @CsvSource({"linear,1", "raid0,3", "raid1,2"})
    void copiesInAndOutByFourConnections(String level, int memberCount) throws IOException {
        Path image = lab.image("image", SIZE, 17);
        long memberBytes =
                switch (level) {
                    case "raid0" -> SIZE / memberCount;
                    case "raid1" -> SIZE + MIRROR_METADATA;
                    default -> SIZE;
                };
        List<String> members =
                java.util.stream.IntStream.range(0, memberCount)
                        .mapToObj(i -> "file:./m%d.img?size=%d".formatted(i, memberBytes))
                        .toList();
        String uri = Nbd.uri(lab.port(), "media");
        lab.serve(ServiceFile.of("media", level, members, List.of(uri)));

        Nbd.copy(image, uri, "--connections=4", "--requests=64", "--flush");
        Nbd.assertSame(image, uri);
        Path back = lab.sparse("back", SIZE);
        Nbd.copy(uri, back, "--connections=4", "--requests=64");

        Nbd.assertSame(image, back);
        long needed = allocated(image);
        assertTrue(allocated(back) <= 2 * needed, "the copy has lost holes");
        for (int i = 0; i < memberCount; i++) {
            assertTrue(
                    allocated(lab.path("m%d.img".formatted(i))) <= 2 * needed,
                    "member %d has lost holes".formatted(i));
        }
    }

    @Test
    void punchesHolesWhereTheTargetHeldData() throws IOException {
        Path image = lab.image("image", SIZE, 18);
        Path member = lab.sparse("m.img", SIZE);
        String uri = Nbd.uri(lab.port(), "media");
        lab.serve(ServiceFile.of("media", "linear", List.of(member), List.of(uri)));
        Nbd.io(uri, "write -P 0xaa 0 " + SIZE / 2, "flush");

        Nbd.copy(image, uri, "--connections=4", "--flush");

        Nbd.assertSame(image, uri);
        assertTrue(allocated(member) <= 2 * allocated(image), "data is left where holes should be");
    }

    @Test
    void copiesBetweenTwoVolumesOfOneDaemon() throws IOException {
        Path image = lab.image("image", SIZE, 19);
        int port = lab.port();
        lab.serve(
                new ServiceFile()
                        .volume("one", "linear", List.of(image), List.of(Nbd.uri(port, "one")))
                        .volume(
                                "two",
                                "raid0",
                                List.of(
                                        lab.sparse("a.img", SIZE / 2),
                                        lab.sparse("b.img", SIZE / 2)),
                                List.of(Nbd.uri(port, "two"))));

        Nbd.copy(Nbd.uri(port, "one"), Nbd.uri(port, "two"), "--connections=4");

        Nbd.assertSame(Nbd.uri(port, "one"), Nbd.uri(port, "two"));
    }

    /// How many bytes a file takes on its filesystem.
    private static long allocated(Path file) {
        String blocks = Command.of("stat", "-c", "%b", file).run().succeeds().out().strip();
        return 512 * Long.parseLong(blocks);
    }
}

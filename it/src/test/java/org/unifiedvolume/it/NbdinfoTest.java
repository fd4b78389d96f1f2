package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.unifiedvolume.it.harness.Command;
import org.unifiedvolume.it.harness.Lab;
import org.unifiedvolume.it.harness.Nbd;
import org.unifiedvolume.it.harness.ServiceFile;

/// Promise: `nbdinfo` shows what a volume is, can do and holds.
class NbdinfoTest {
    private static final long SIZE = 64L << 20;

    @RegisterExtension final Lab lab = new Lab();

    private static JsonNode export(String uri) {
        JsonNode info = Command.of("nbdinfo", "--json", uri).run().succeeds().json();
        assertEquals("newstyle-fixed", info.path("protocol").asText());
        assertTrue(info.path("structured").asBoolean(), info::toString);
        assertEquals(1, info.path("exports").size(), info::toString);
        return info.path("exports").get(0);
    }

    private ServiceFile oneFile(Object export) throws IOException {
        return ServiceFile.of(
                "media", "linear", List.of(lab.sparse("a.img", SIZE)), List.of(export));
    }

    @Test
    void tellsSizeAndAbilitiesOfAFile() throws IOException {
        String uri = Nbd.uri(lab.port(), "media");
        lab.serve(oneFile(uri));

        JsonNode export = export(uri);

        assertEquals("media", export.path("export-name").asText());
        assertEquals(SIZE, export.path("export-size").asLong());
        assertFalse(export.path("is_read_only").asBoolean());
        for (String ability :
                List.of(
                        "can_cache",
                        "can_df",
                        "can_fast_zero",
                        "can_flush",
                        "can_fua",
                        "can_multi_conn",
                        "can_trim",
                        "can_zero")) {
            assertTrue(export.path(ability).asBoolean(), () -> ability + " in " + export);
        }
        Set<String> contexts = new TreeSet<>();
        export.path("contexts").forEach(context -> contexts.add(context.asText()));
        assertEquals(Set.of("base:allocation", "x-uvol:locality"), contexts);
    }

    @Test
    void answersEachQuestionByItsExitCode() throws IOException {
        String uri = Nbd.uri(lab.port(), "media");
        lab.serve(oneFile(uri));

        for (String can :
                List.of(
                        "connect",
                        "read",
                        "write",
                        "trim",
                        "zero",
                        "fast-zero",
                        "flush",
                        "fua",
                        "cache",
                        "df",
                        "multi-conn",
                        "structured")) {
            Command.of("nbdinfo", "--can", can, uri).run().succeeds();
        }
        Command.of("nbdinfo", "--is", "read-only", uri).run().exits(2);
        assertEquals(
                Long.toString(SIZE),
                Command.of("nbdinfo", "--size", uri).run().succeeds().out().strip());
    }

    @Test
    void namesAReadOnlyExport() throws IOException {
        String uri = Nbd.uri(lab.port(), "media");
        lab.serve(oneFile(uri + "?readonly=true"));

        assertTrue(export(uri).path("is_read_only").asBoolean());
        Command.of("nbdinfo", "--is", "read-only", uri).run().succeeds();
        Command.of("nbdinfo", "--can", "write", uri).run().exits(2);
        Command.of("nbdinfo", "--can", "trim", uri).run().exits(2);
        Nbd.shell(
                uri,
                """
                h.set_strict_mode(0)
                for write in (lambda: h.pwrite(b'x' * 512, 0),
                              lambda: h.trim(512, 0),
                              lambda: h.zero(512, 0)):
                    try:
                        write()
                        assert False, 'a read-only export took a write'
                    except nbd.Error as e:
                        assert e.errno == 'EPERM', e
                assert h.pread(512, 0) == bytes(512)
                """);
    }

    @Test
    void mapsHolesAndData() throws IOException {
        Path file = lab.sparse("a.img", SIZE);
        String uri = Nbd.uri(lab.port(), "media");
        lab.serve(ServiceFile.of("media", "linear", List.of(file), List.of(uri)));
        Nbd.io(uri, "write -P 7 3M 128k", "write -P 8 9M 64k");

        JsonNode map = Command.of("nbdinfo", "--map", "--json", uri).run().succeeds().json();

        assertEquals(
                List.of(
                        "0+3145728 hole,zero",
                        "3145728+131072 data",
                        "3276800+6160384 hole,zero",
                        "9437184+65536 data",
                        "9502720+57606144 hole,zero"),
                StreamSupport.stream(map.spliterator(), false)
                        .map(
                                e ->
                                        "%d+%d %s"
                                                .formatted(
                                                        e.path("offset").asLong(),
                                                        e.path("length").asLong(),
                                                        e.path("description").asText()))
                        .toList());
    }

    @Test
    void mapsWhatIsRemote() throws IOException {
        int remote = lab.port();
        lab.nbdkit(remote, "memory", "size=32M");
        String uri = Nbd.uri(lab.port(), "media");
        lab.serve(
                ServiceFile.of(
                        "media",
                        "linear",
                        List.of(lab.sparse("a.img", 32 << 20), Nbd.uri(remote, "")),
                        List.of(uri)));

        JsonNode map =
                Command.of("nbdinfo", "--map=x-uvol:locality", "--json", uri)
                        .run()
                        .succeeds()
                        .json();

        assertEquals(2, map.size(), map::toString);
        assertEquals(0, map.get(0).path("type").asInt(), map::toString);
        assertEquals(32 << 20, map.get(0).path("length").asInt(), map::toString);
        assertEquals(1, map.get(1).path("type").asInt(), map::toString);
    }

    @Test
    void listsAllExportsOfAPort() throws IOException {
        int port = lab.port();
        lab.serve(
                new ServiceFile()
                        .volume(
                                "media",
                                "linear",
                                List.of(lab.sparse("a.img", SIZE)),
                                List.of(Nbd.uri(port, "media"), Nbd.uri(port, "again")))
                        .volume(
                                "backup",
                                "linear",
                                List.of(lab.sparse("b.img", 2 * SIZE)),
                                List.of(Nbd.uri(port, "backup") + "?readonly=true")));

        JsonNode list =
                Command.of("nbdinfo", "--list", "--json", Nbd.uri(port, ""))
                        .run()
                        .succeeds()
                        .json();

        Set<String> seen = new TreeSet<>();
        list.path("exports")
                .forEach(
                        export ->
                                seen.add(
                                        "%s %d %b"
                                                .formatted(
                                                        export.path("export-name").asText(),
                                                        export.path("export-size").asLong(),
                                                        export.path("is_read_only").asBoolean())));
        assertEquals(
                Set.of(
                        "again %d false".formatted(SIZE),
                        "backup %d true".formatted(2 * SIZE),
                        "media %d false".formatted(SIZE)),
                seen);
    }

    @Test
    void worksOverAUnixSocket() throws IOException {
        Path socket = lab.path("uvol.sock");
        String uri = Nbd.uri(socket, "media");
        lab.serve(oneFile(uri)).terminate();
        assertFalse(socket.toFile().exists(), "the socket is left behind");
        lab.serve(lab.path("uvol.yaml"));

        assertEquals(SIZE, export(uri).path("export-size").asLong());
        Command.of("nbdinfo", "--size", Nbd.uri(socket, "other")).run().fails().says("other");
    }
}

package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.unifiedvolume.it.harness.Command;
import org.unifiedvolume.it.harness.Daemon;
import org.unifiedvolume.it.harness.Lab;
import org.unifiedvolume.it.harness.Nbd;
import org.unifiedvolume.it.harness.Programs;
import org.unifiedvolume.it.harness.ServiceFile;
import org.unifiedvolume.it.harness.Uvol;

/// Promise: what cannot be done as written is refused before anything is opened for writing, with
/// the file and line, what is wrong, and what to do.
class BadInputTest {
    private static final long SIZE = 16L << 20;

    @RegisterExtension final Lab lab = new Lab();

    private Set<String> filesIn(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            Set<String> names = new TreeSet<>();
            files.forEach(file -> names.add(folder.relativize(file).toString()));
            names.removeIf(name -> name.equals("state") || name.startsWith("state/"));
            return names;
        }
    }

    /// Has the daemon refuse a file, and checks that nothing was made and that the message reads
    /// `uvol: FILE:LINE:COLUMN: …`.
    private Command.Result refused(Path file, int line) throws IOException {
        Set<String> before = filesIn(lab.folder());
        Command.Result result = lab.refuses(file).exits(1);
        Set<String> after = filesIn(lab.folder());
        assertEquals(before, after, "files were made");
        assertEquals("", result.out());
        assertFalse(result.err().contains("\tat "), result::toString);
        assertTrue(
                result.err()
                        .lines()
                        .anyMatch(text -> text.startsWith("uvol: %s:%d:".formatted(file, line))),
                () -> "place %s:%d expected: %s".formatted(file, line, result));
        return result;
    }

    @Nested
    class InTheFile {
        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                textBlock =
                        """
                        1 | volums: []                      | unknown key "volums" | volumes
                        1 | [a, b]                          | instead of keys      | volumes
                        2 | volumes:\\n- nme: media         | nme                  | name
                        2 | volumes:\\n- name: a b/c\\n  level: linear\\n  members: [./x?size=1MiB] | not a volume's name | letters
                        3 | volumes:\\n- name: a\\n  level: raid9\\n  members: [./x?size=1MiB]      | unknown level "raid9" | raid0
                        4 | volumes:\\n- name: a\\n  level: linear\\n  members: [gopher://host/x]   | gopher               | file
                        4 | volumes:\\n- name: a\\n  level: linear\\n  members: [./x?siez=1MiB]     | siez                 | size
                        4 | volumes:\\n- name: a\\n  level: linear\\n  members: [./x?size=1MB]      | 1MB                  | MiB
                        4 | volumes:\\n- name: a\\n  level: linear\\n  members: [nbd+unix:///x]     | socket               | socket=
                        5 | volumes:\\n- name: a\\n  level: linear\\n  members: [./x?size=1MiB]\\n  exports: [nbds://127.0.0.1/x] | certificate | tls-certificates
                        5 | volumes:\\n- name: a\\n  level: linear\\n  members: [./x?size=1MiB]\\n  exports: [gopher://127.0.0.1/x] | gopher | nbd
                        5 | volumes:\\n- name: a\\n  level: linear\\n  members: [./x?size=1MiB]\\n  exprots: []  | exprots       | exports
                        5 | volumes:\\n- name: a\\n  level: raid5\\n  members: [./x?size=8MiB, ./y?size=8MiB, ./z?size=8MiB]\\n  integrity: sha1 | integrity | crc32c
                        5 | volumes:\\n- name: a\\n  level: raid0\\n  members: [./x?size=1MiB, ./y?size=1MiB]\\n  chunk: 3KiB | chunk | power of two
                        2 | volumes:\\n- name: a\\n  level: raid1\\n  members: [./x?size=1MiB]       | 1 member | linear
                        """)
        void what(int line, String text, String problem, String remedy) throws IOException {
            Path file = lab.write("uvol.yaml", text.replace("\\n", "\n") + "\n");

            refused(file, line).says(problem, remedy);
        }

        @Test
        void textThatIsNoYaml() throws IOException {
            refused(lab.write("uvol.yaml", "volumes:\n  - name: [a\n"), 3);
        }

        @Test
        void aFileThatIsNotThere() throws IOException {
            lab.refuses(lab.path("nowhere.yaml")).exits(1).says("nowhere.yaml", "no such file");
        }

        @Test
        void twoVolumesOfOneName() throws IOException {
            ServiceFile file =
                    new ServiceFile()
                            .volume("a", "linear", List.of("./x?size=1MiB"), List.of())
                            .volume("a", "linear", List.of("./y?size=1MiB"), List.of());
            refused(lab.write(file), 7).says("a", "uvol.yaml:3:");
        }
    }

    @Nested
    class AboutMembers {
        @Test
        void thatAreMissing() throws IOException {
            Path file = describe("linear", lab.path("nowhere.img"));
            refused(file, 6).says("nowhere.img does not exist", "?size=");
        }

        @Test
        void thatAreMissingBesideOneThatWouldBeCreated() throws IOException {
            Path file = describe("raid0", "./new.img?size=16MiB", lab.path("nowhere.img"));
            refused(file, 7).says("nowhere.img does not exist");
            assertFalse(Files.exists(lab.path("new.img")), "a member was created");
        }

        @Test
        void thatAreUsedTwice() throws IOException {
            Path disk = lab.sparse("a.img", SIZE);
            refused(describe("raid0", disk, lab.path("./a.img")), 7)
                    .says("is a member already", "uvol.yaml:6:");
        }

        @Test
        void thatAreTheSameBehindALink() throws IOException {
            Path disk = lab.sparse("a.img", SIZE);
            Files.createSymbolicLink(lab.path("b.img"), disk);
            refused(describe("raid0", disk, lab.path("b.img")), 7).says("is a member already");
        }

        @Test
        void thatAreTooSmallForASizeThatIsAskedFor() throws IOException {
            Path file =
                    lab.write(
                            ServiceFile.of(
                                    "media",
                                    "raid1",
                                    List.of(
                                            lab.sparse("a.img", SIZE),
                                            lab.sparse("b.img", SIZE / 2)),
                                    List.of(),
                                    "size: 12MiB"));
            refused(file, 3).says("b.img", "size");
        }

        @Test
        void thatCarryAFilesystemWhereANewMirrorWouldBeMade() throws IOException {
            Path disk = lab.sparse("b.img", SIZE);
            Command.of("mkfs.ext4", "-q", "-F", disk).run().succeeds();
            byte[] before = Files.readAllBytes(disk);
            refused(describe("raid1", lab.sparse("a.img", SIZE), disk), 3)
                    .says("b.img holds an ext4 filesystem", "force: true");
            assertArrayEquals(before, Files.readAllBytes(disk));
        }

        @Test
        void thatAreOfTwoArrays() throws IOException {
            List<Path> disks = new ArrayList<>();
            for (String name : List.of("a", "b", "c", "d")) {
                disks.add(lab.sparse(name + ".img", SIZE));
            }
            for (int i = 0; i < 4; i += 2) {
                lab.serve(describe("raid1", disks.get(i), disks.get(i + 1))).terminate();
            }
            refused(describe("raid1", disks.get(0), disks.get(2)), 3)
                    .says("is a member of array media", "zero-superblock");
        }

        @Test
        void thatAreLockedByAnotherDaemon() throws IOException {
            Path disk = lab.sparse("a.img", SIZE);
            lab.newFolder("first");
            lab.serve(
                    lab.write(
                            "first/uvol.yaml",
                            ServiceFile.of("one", "linear", List.of(disk), List.of()).toString()));

            refused(describe("linear", disk), 6).says("a.img is in use");
        }

        @Test
        void thatAreOpenInQemu() throws IOException {
            Path disk = lab.sparse("a.img", SIZE);
            int port = lab.port();
            lab.peer("qemu-nbd", "-t", "-b", "127.0.0.1", "-p", port, "-f", "raw", disk)
                    .listens(port);

            refused(describe("linear", disk), 6).says("a.img is in use");
        }

        @Test
        void thatAreOfAnotherSizeThanAskedFor() throws IOException {
            refused(describe("linear", lab.sparse("a.img", SIZE) + "?size=1GiB"), 6)
                    .says("a.img exists with 16777216 bytes", "leave out ?size=");
        }

        @Test
        void thatAreFolders() throws IOException {
            refused(describe("linear", lab.newFolder("folder")), 6)
                    .says("is a directory", "name a file");
        }

        @Test
        void thatNobodyServes() throws IOException {
            int nobody = lab.port();
            refused(describe("linear", Nbd.uri(nobody, "x")), 6)
                    .says("127.0.0.1:" + nobody, "refused");
        }

        @Test
        void thatTheServerDoesNotKnow() throws IOException {
            int port = lab.port();
            lab.sparse("served.img", SIZE);
            lab.peer(
                            "qemu-nbd",
                            "-t",
                            "-b",
                            "127.0.0.1",
                            "-p",
                            port,
                            "-x",
                            "known",
                            "-f",
                            "raw",
                            lab.path("served.img"))
                    .listens(port);
            refused(describe("linear", Nbd.uri(port, "unknown")), 6).says("unknown");
        }

        private Path describe(String level, Object... members) throws IOException {
            return lab.write(ServiceFile.of("media", level, List.of(members), List.of()));
        }
    }

    @Nested
    class AboutExports {
        private Path describe(Object export) throws IOException {
            Path disk = lab.path("a.img");
            if (!Files.exists(disk)) {
                lab.sparse("a.img", SIZE);
            }
            return lab.write(ServiceFile.of("media", "linear", List.of(disk), List.of(export)));
        }

        @Test
        void onAPortInUse() throws IOException {
            int port = lab.port();
            lab.nbdkit(port, "memory", "size=1M");
            refused(describe(Nbd.uri(port, "media")), 8).says("127.0.0.1:" + port, "in use");
        }

        @Test
        void onAFusePathThatHoldsAFile() throws IOException {
            Programs.needRoot("serve a FUSE file");
            Path disk = lab.write("disk", "precious");
            refused(describe("fuse:" + disk), 8)
                    .says(disk.toString(), "would hide", "another path");
            assertEquals("precious", Files.readString(disk));
        }

        @Test
        void onAFusePathThatIsAFolder() throws IOException {
            Programs.needRoot("serve a FUSE file");
            Path folder = lab.newFolder("disk");
            refused(describe("fuse:" + folder), 8).says(folder.toString(), "director");
        }

        @Test
        void onAFusePathThatIsServedAlready() throws IOException {
            Programs.needRoot("serve a FUSE file");
            Path disk = lab.path("disk");
            lab.newFolder("first");
            lab.sparse("b.img", SIZE);
            lab.serve(
                    lab.write(
                            "first/uvol.yaml",
                            ServiceFile.of(
                                            "one",
                                            "linear",
                                            List.of(lab.path("b.img")),
                                            List.of("fuse:" + disk))
                                    .toString()));
            refused(describe("fuse:" + disk), 8).says(disk.toString(), "mounted");
        }

        @Test
        void ofTwoVolumesUnderOneName() throws IOException {
            int port = lab.port();
            ServiceFile file =
                    new ServiceFile()
                            .volume(
                                    "a",
                                    "linear",
                                    List.of(lab.sparse("a.img", SIZE)),
                                    List.of(Nbd.uri(port, "x")))
                            .volume(
                                    "b",
                                    "linear",
                                    List.of(lab.sparse("b.img", SIZE)),
                                    List.of(Nbd.uri(port, "x")));
            refused(lab.write(file), 14).says("is served already", "uvol.yaml:8:");
        }
    }

    @Nested
    class OnTheCommandLine {
        @Test
        void anUnknownVerbIsWrongUsage() {
            Uvol.command("sevre", "x").run().exits(2).says("sevre");
        }

        @Test
        void aMissingFileNameIsWrongUsage() {
            Uvol.command("serve").run().exits(2).says("FILE");
        }

        @Test
        void aStatusOfNoServiceSaysHowToStartOne() {
            Uvol.command("status", "--state", lab.path("nobody"))
                    .run()
                    .exits(1)
                    .says("no service runs", "uvol serve");
        }

        @Test
        void aVolumeThatIsNotThereIsNamedWithThoseThatAre() throws IOException {
            Daemon daemon =
                    lab.serve(
                            ServiceFile.of(
                                    "media",
                                    "linear",
                                    List.of(lab.sparse("a.img", SIZE)),
                                    List.of()));
            daemon.command("status", "medai")
                    .run()
                    .exits(1)
                    .says("there is no volume \"medai\"", "media");
        }
    }
}

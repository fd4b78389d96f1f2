package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.unifiedvolume.it.harness.Command;
import org.unifiedvolume.it.harness.Lab;
import org.unifiedvolume.it.harness.Nbd;
import org.unifiedvolume.it.harness.Programs;
import org.unifiedvolume.it.harness.ServiceFile;

/// Promise: what fio writes at depth 32, with a checksum in each block, is what it reads again:
/// over NBD, on the FUSE file, and through a loop device.
class FioTest {
    private static final long SIZE = 128L << 20;

    @RegisterExtension final Lab lab = new Lab();

    private void verify(Object... job) {
        Path report = lab.path("fio.json");
        List<Object> words =
                new ArrayList<>(
                        List.of(
                                "--name=verify",
                                "--rw=randwrite",
                                "--bsrange=4k-64k",
                                "--bs_unaligned=0",
                                "--size=96m",
                                "--io_size=24m",
                                "--iodepth=32",
                                "--verify=crc32c",
                                "--verify_fatal=1",
                                "--do_verify=1",
                                "--randrepeat=1",
                                "--end_fsync=1",
                                "--verify_state_save=0",
                                "--output=" + report,
                                "--output-format=json"));
        words.addAll(List.of(job));
        Command.of("fio", words.toArray()).run().succeeds();
        JsonNode done = Command.of("cat", report).run().succeeds().json().path("jobs").get(0);
        assertEquals(0, done.path("error").asInt(), done::toString);
        assertEquals(
                done.path("write").path("io_bytes").asLong(),
                done.path("read").path("io_bytes").asLong(),
                "not all that was written has been verified");
    }

    private List<?> members(String level) throws IOException {
        int remote = lab.port();
        return switch (level) {
            case "linear" -> List.of(lab.sparse("a.img", SIZE));
            case "raid0" -> {
                lab.nbdkit(remote, "memory", "size=" + SIZE / 2);
                yield List.of(lab.sparse("a.img", SIZE / 2), Nbd.uri(remote, ""));
            }
            case "raid1" -> {
                lab.nbdkit(remote, "memory", "size=" + SIZE);
                yield List.of(lab.sparse("a.img", SIZE), Nbd.uri(remote, ""));
            }
            default -> throw new IllegalArgumentException(level);
        };
    }

    @ParameterizedTest
    @ValueSource(strings = {"linear", "raid0", "raid1"})
    void overNbd(String level) throws IOException {
        String uri = Nbd.uri(lab.port(), "media");
        lab.serve(ServiceFile.of("media", level, members(level), List.of(uri)));

        verify("--ioengine=nbd", "--uri=" + uri);
    }

    @Test
    void overNbdThroughACacheSmallerThanTheData() throws IOException {
        String uri = Nbd.uri(lab.port(), "media");
        lab.serve(ServiceFile.of("media", "raid0", members("raid0"), List.of(uri), "cache: 16MiB"));

        verify("--ioengine=nbd", "--uri=" + uri);
    }

    @Test
    void overNbdOnDirectFiles() throws IOException {
        String uri = Nbd.uri(lab.port(), "media");
        lab.serve(
                ServiceFile.of(
                        "media",
                        "raid0",
                        List.of(
                                lab.sparse("a.img", SIZE / 2) + "?direct=true",
                                lab.sparse("b.img", SIZE / 2) + "?direct=true"),
                        List.of(uri)));

        verify("--ioengine=nbd", "--uri=" + uri);
    }

    @ParameterizedTest
    @CsvSource({"libaio,1", "libaio,0", "psync,1", "psync,0"})
    void onTheFuseFile(String engine, int direct) throws IOException {
        Programs.needRoot("serve a FUSE file");
        Path disk = lab.path("disk");
        lab.serve(ServiceFile.of("media", "raid0", members("raid0"), List.of("fuse:" + disk)));

        verify("--ioengine=" + engine, "--direct=" + direct, "--filename=" + disk);
    }

    @Test
    void throughALoopDevice() throws IOException {
        Programs.needRoot("set up a loop device");
        Path disk = lab.path("disk");
        lab.serve(ServiceFile.of("media", "raid1", members("raid1"), List.of("fuse:" + disk)));
        String loop =
                Command.of("losetup", "--find", "--show", "--direct-io=on", disk)
                        .run()
                        .succeeds()
                        .out()
                        .strip();
        lab.keep(() -> Command.of("losetup", "-d", loop).run().succeeds());

        verify("--ioengine=libaio", "--direct=1", "--filename=" + loop);
    }
}

package org.unifiedvolume.it;

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

/// Promise: exports of other people's NBD servers are members like any other, whatever subset of
/// the protocol they speak.
class ForeignServersTest {
    private static final long SIZE = 24L << 20;

    @RegisterExtension final Lab lab = new Lab();

    /// Serves one remote member, moves an image in and out, and exercises the odd requests.
    private void isAGoodMember(String member) throws IOException {
        String uri = Nbd.uri(lab.port(), "media");
        lab.serve(ServiceFile.of("media", "linear", List.of(member), List.of(uri)));
        Path image = lab.image("image", SIZE, 31);
        Nbd.copy(image, uri, "--connections=4", "--flush");
        Nbd.assertSame(image, uri);
        Nbd.io(
                uri,
                "write -P 0x11 0 1M",
                "write -f -P 0x22 64k 4k",
                "write -z 128k 256k",
                "write -z -u 512k 256k",
                "discard 2M 1M",
                "flush",
                "read -P 0x11 0 64k",
                "read -P 0x22 64k 4k",
                "read -P 0x11 68k 60k",
                "read -P 0 128k 256k",
                "read -P 0x11 384k 128k",
                "read -P 0 512k 256k",
                "read -P 0x11 768k 256k");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "noextents",
                "nozero",
                "nozero zeromode=emulate",
                "nozero zeromode=notrim",
                "nozero fastzeromode=slow",
                "fua",
                "fua fuamode=emulate",
                "fua fuamode=force",
                "multi-conn multi-conn-mode=disable",
                "multi-conn multi-conn-mode=emulate",
                "nocache cachemode=none",
                "noparallel serialize=requests",
                "blocksize-policy blocksize-minimum=4096 blocksize-maximum=65536"
                        + " blocksize-error-policy=error",
                "blocksize-policy blocksize-minimum=512 blocksize-preferred=65536",
                "delay delay-read=2ms delay-write=2ms",
                "cow",
                "readahead"
            })
    void nbdkitWithAFilter(String filter) throws IOException {
        int port = lab.port();
        List<Object> arguments = new ArrayList<>();
        String[] words = filter.split(" ", -1);
        if (!filter.isEmpty()) {
            Programs.needFilter(words[0]);
            arguments.add("--filter=" + words[0]);
        }
        arguments.addAll(List.of("memory", "size=" + SIZE));
        arguments.addAll(List.of(words).subList(1, words.length));
        lab.nbdkit(port, arguments.toArray());

        isAGoodMember(Nbd.uri(port, ""));
    }

    @Test
    void nbdkitWithoutStructuredReplies() throws IOException {
        int port = lab.port();
        lab.nbdkit(port, "--no-sr", "memory", "size=" + SIZE);

        isAGoodMember(Nbd.uri(port, ""));
    }

    @Test
    void nbdkitOnAUnixSocket() throws IOException {
        Path socket = lab.path("kit.sock");
        lab.peer("nbdkit", "-f", "-U", socket, "memory", "size=" + SIZE).listens(socket);

        isAGoodMember(Nbd.uri(socket, ""));
    }

    @Test
    void nbdkitOnAFileWithAName() throws IOException {
        int port = lab.port();
        lab.newFolder("exports");
        lab.sparse("exports/disk 1", SIZE);
        lab.nbdkit(port, "file", "dir=" + lab.path("exports"));

        isAGoodMember(Nbd.uri(port, "disk%201"));
    }

    @ParameterizedTest
    @CsvSource({"raw", "qcow2"})
    void qemuNbd(String format) throws IOException {
        Path file = lab.path("disk." + format);
        Command.of("qemu-img", "create", "-f", format, file, SIZE).run().succeeds();
        int port = lab.port();
        lab.peer(
                        "qemu-nbd",
                        "-t",
                        "-b",
                        "127.0.0.1",
                        "-p",
                        port,
                        "-x",
                        "disk",
                        "-e",
                        8,
                        "-f",
                        format,
                        "--discard=unmap",
                        file)
                .listens(port);

        isAGoodMember(Nbd.uri(port, "disk"));
    }

    @Test
    void qemuStorageDaemon() throws IOException {
        Path file = lab.sparse("disk.raw", SIZE);
        int port = lab.port();
        lab.peer(
                        "qemu-storage-daemon",
                        "--blockdev",
                        "driver=file,node-name=disk,discard=unmap,filename=" + file,
                        "--nbd-server",
                        "addr.type=inet,addr.host=127.0.0.1,addr.port=%d".formatted(port),
                        "--export",
                        "type=nbd,id=e,node-name=disk,writable=on,name=disk")
                .listens(port);

        isAGoodMember(Nbd.uri(port, "disk"));
    }

    /// nbd-server knows neither structured replies nor metadata, and always goes to the background.
    @Test
    void nbdServer() throws IOException {
        Path file = lab.sparse("disk.raw", SIZE);
        int port = lab.port();
        Path config =
                lab.write(
                        "nbd-server.conf",
                        """
                        [generic]
                        listenaddr = 127.0.0.1
                        port = %d
                        [disk]
                        exportname = %s
                        flush = true
                        fua = true
                        trim = true
                        """
                                .formatted(port, file));
        Path pid = lab.path("nbd-server.pid");
        Command.of("nbd-server", "-C", config, "-p", pid).run().succeeds();
        lab.keep(() -> Command.of("pkill", "-F", pid).run().succeeds());
        lab.awaitListening(port);

        isAGoodMember(Nbd.uri(port, "disk"));
    }

    @Test
    void aDaemonOfOurOwnOverItsUnixSocket() throws IOException {
        Path socket = lab.path("far.sock");
        lab.newFolder("far");
        Path file =
                lab.write(
                        "far/uvol.yaml",
                        ServiceFile.of(
                                        "disk",
                                        "raid0",
                                        List.of(
                                                "file:./a.img?size=12MiB",
                                                "file:./b.img?size=12MiB"),
                                        List.of(Nbd.uri(socket, "disk")))
                                .toString());
        lab.serve(file);

        isAGoodMember(Nbd.uri(socket, "disk"));
    }
}

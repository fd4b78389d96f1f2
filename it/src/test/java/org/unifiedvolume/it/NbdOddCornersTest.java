package org.unifiedvolume.it;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.unifiedvolume.it.harness.Lab;
import org.unifiedvolume.it.harness.Nbd;
import org.unifiedvolume.it.harness.ServiceFile;

/// Promise: the odd corners of the protocol are served as the standard has them, with its own
/// errors, and the connection is kept.
///
/// The scripts run in `nbdsh`, with libnbd's own checks off where the server's are tested.
class NbdOddCornersTest {
    private static final long SIZE = 64L << 20;

    /// Calls something that must fail with an errno, and checks that the connection still works.
    private static final String HELPERS =
            """
            h.set_strict_mode(0)
            def refused(errno, call):
                try:
                    call()
                except nbd.Error as e:
                    assert e.errno == errno, '%s instead of %s' % (e, errno)
                else:
                    assert False, 'taken instead of ' + errno
                h.pread(512, 0)
            """;

    @RegisterExtension final Lab lab = new Lab();

    private int port;
    private String uri;

    @BeforeEach
    void serveAFileAndStripes() throws IOException {
        port = lab.port();
        uri = Nbd.uri(port, "stripes");
        lab.serve(
                new ServiceFile()
                        .volume(
                                "stripes",
                                "raid0",
                                List.of(
                                        lab.sparse("a.img", SIZE / 2),
                                        lab.sparse("b.img", SIZE / 2)),
                                List.of(uri, Nbd.uri(port, "second way")),
                                "chunk: 64KiB")
                        .volume(
                                "file",
                                "linear",
                                List.of(lab.sparse("c.img", SIZE)),
                                List.of(Nbd.uri(port, "file"))));
    }

    private void shell(String script) {
        Nbd.shell(uri, HELPERS + script);
    }

    @Test
    void takesBytesThatAreAlignedToNothing() {
        shell(
                """
                data = bytes(i % 251 for i in range(200001))
                h.pwrite(data, 65535 - 7)
                assert h.pread(len(data), 65535 - 7) == data
                assert h.pread(1, 65535) == data[7:8]
                h.zero(100000, 65535)
                assert h.pread(7, 65528) == data[:7]
                assert h.pread(100000, 65535) == bytes(100000)
                assert h.pread(5, 165535) == data[100007:100012]
                h.pwrite(b'z', h.get_size() - 1)
                assert h.pread(1, h.get_size() - 1) == b'z'
                """);
    }

    @Test
    void refusesRangesBeyondTheEndAndGoesOn() {
        shell(
                """
                end = h.get_size()
                refused('EINVAL', lambda: h.pread(512, end))
                refused('EINVAL', lambda: h.pread(512, end - 511))
                refused('EINVAL', lambda: h.pread(512, 2**63 - 512))
                refused('ENOSPC', lambda: h.pwrite(b'x' * 512, end))
                refused('ENOSPC', lambda: h.pwrite(b'x' * 512, end - 511))
                refused('ENOSPC', lambda: h.pwrite(b'x' * 512, 2**63 - 1))
                refused('ENOSPC', lambda: h.zero(1024, end - 512))
                refused('EINVAL', lambda: h.trim(1024, end - 512))
                refused('EINVAL', lambda: h.cache(1024, end - 512))
                assert h.pread(512, end - 512) == bytes(512)
                """);
    }

    @Test
    void refusesFlagsThatACommandDoesNotKnow() {
        shell(
                """
                refused('EINVAL', lambda: h.pread(512, 0, nbd.CMD_FLAG_NO_HOLE))
                refused('EINVAL', lambda: h.pwrite(b'x' * 512, 0, nbd.CMD_FLAG_REQ_ONE))
                refused('EINVAL', lambda: h.zero(512, 0, nbd.CMD_FLAG_DF))
                refused('EINVAL', lambda: h.trim(512, 0, 1 << 14))
                assert h.pread(512, 0) == bytes(512)
                """);
    }

    @Test
    void answersManyRequestsOutOfOrderWithTheRightBytes() {
        shell(
                """
                import random
                random.seed(4)
                blocks = 2048
                model = {}
                def done(error):
                    assert error.value == 0, error.value
                    return 1
                def drain(most):
                    while h.aio_in_flight() > most:
                        h.poll(1000)
                for n in range(3000):
                    i = random.randrange(blocks)
                    if i in model:
                        continue
                    model[i] = bytes([n % 256, n // 256]) * 2048
                    data = nbd.Buffer.from_bytearray(bytearray(model[i]))
                    h.aio_pwrite(data, i * 4096, done)
                    drain(63)
                drain(0)
                reads = {}
                for i in model:
                    reads[i] = nbd.Buffer(4096)
                    h.aio_pread(reads[i], i * 4096, done)
                    drain(63)
                drain(0)
                for i, buf in reads.items():
                    assert bytes(buf.to_bytearray()) == model[i], i
                """);
    }

    @Test
    void showsAWriteToTheOtherConnectionsOnceItIsAnswered() {
        Nbd.shell(
                uri,
                """
                assert h.can_multi_conn()
                others = []
                for name in ('stripes', 'second way'):
                    other = nbd.NBD()
                    other.set_export_name(name)
                    other.connect_tcp('127.0.0.1', '%d')
                    others.append(other)
                for n in range(200):
                    data = bytes([n]) * 70000
                    h.pwrite(data, n * 100)
                    for other in others:
                        assert other.pread(70000, n * 100) == data
                h.pwrite(b'y' * 512, 0)
                others[1].flush()
                """
                        .formatted(port));
    }

    @Test
    void readsInOnePieceIfAskedTo() {
        shell(
                """
                h.pwrite(b'd' * 65536, 0)
                h.pwrite(b'd' * 65536, 131072)
                chunks = []
                def chunk(data, offset, status, err):
                    chunks.append(status)
                buf = h.pread_structured(262144, 0, chunk, nbd.CMD_FLAG_DF)
                assert len(chunks) == 1, chunks
                assert buf == b'd' * 65536 + bytes(65536) + b'd' * 65536 + bytes(65536)
                """);
    }

    @Test
    void fastZeroesOrSaysThatItCannot() {
        Nbd.shell(
                Nbd.uri(port, "file"),
                """
                h.pwrite(b'd' * (1 << 20), 0)
                try:
                    h.zero(1 << 20, 0, nbd.CMD_FLAG_FAST_ZERO)
                    assert h.pread(1 << 20, 0) == bytes(1 << 20)
                except nbd.Error as e:
                    assert e.errno in ('ENOTSUP', 'EOPNOTSUPP'), e
                    assert h.pread(1 << 20, 0) == b'd' * (1 << 20)
                h.zero(4096, 8192, nbd.CMD_FLAG_NO_HOLE | nbd.CMD_FLAG_FUA)
                assert h.pread(4096, 8192) == bytes(4096)
                """);
    }

    @Test
    void zeroesWithoutAHoleIfAskedTo() {
        Nbd.shell(
                Nbd.uri(port, "file"),
                """
                import os
                def allocated():
                    return os.stat('%s').st_blocks * 512
                h.zero(4 << 20, 0, nbd.CMD_FLAG_NO_HOLE)
                assert allocated() >= 4 << 20, allocated()
                h.zero(3 << 20, 0)
                assert allocated() <= 2 << 20, allocated()
                h.trim(4 << 20, 0)
                assert allocated() < 1 << 20, allocated()
                """
                        .formatted(lab.path("c.img")));
    }

    @Test
    void takesTheLongestPayloadThatItOffers() {
        shell(
                """
                most = h.get_block_size(nbd.SIZE_MAXIMUM)
                assert h.get_block_size(nbd.SIZE_MINIMUM) == 1
                assert most >= 1 << 20, most
                length = min(most, 32 << 20)
                data = bytes(range(256)) * (length // 256)
                h.pwrite(data, 12345)
                assert h.pread(length, 12345) == data
                refused('EINVAL', lambda: h.pwrite(bytes(most + 1), 0))
                """);
    }

    @Test
    void takesOptionsInAnyOrderBeforeItGoes() {
        Nbd.shell(
                uri,
                """
                n = nbd.NBD()
                n.set_opt_mode(True)
                n.connect_tcp('127.0.0.1', '%d')
                names = []
                n.opt_list(lambda name, description: names.append(name))
                assert sorted(names) == ['file', 'second way', 'stripes'], names
                n.set_export_name('nobody')
                try:
                    n.opt_info()
                    assert False
                except nbd.Error as e:
                    assert e.errno == 'ENOENT', e
                n.set_export_name('file')
                n.add_meta_context('base:allocation')
                n.opt_info()
                assert n.get_size() == 64 << 20
                contexts = []
                n.clear_meta_contexts()
                n.add_meta_context('x-uvol:')
                n.opt_list_meta_context(lambda c: contexts.append(c))
                assert contexts == ['x-uvol:locality'], contexts
                n.clear_meta_contexts()
                n.set_export_name('second way')
                n.opt_go()
                n.pwrite(b'go', 1)
                assert h.pread(2, 1) == b'go'
                n.shutdown()
                n = nbd.NBD()
                n.set_opt_mode(True)
                n.connect_tcp('127.0.0.1', '%d')
                n.opt_abort()
                """
                        .formatted(port, port));
    }

    @Test
    void servesClientsThatKnowNoStructuredReplies() {
        Nbd.shell(
                uri,
                """
                n = nbd.NBD()
                n.set_request_structured_replies(False)
                n.set_export_name('stripes')
                n.connect_tcp('127.0.0.1', '%d')
                assert not n.get_structured_replies_negotiated()
                n.pwrite(b'simple' * 40000, 77)
                assert n.pread(240000, 77) == b'simple' * 40000
                n.set_strict_mode(0)
                try:
                    n.pread(512, 2**40)
                    assert False
                except nbd.Error as e:
                    assert e.errno == 'EINVAL', e
                assert n.pread(6, 77) == b'simple'
                """
                        .formatted(port));
    }
}

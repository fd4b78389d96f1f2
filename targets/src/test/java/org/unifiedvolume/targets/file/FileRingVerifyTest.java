package org.unifiedvolume.targets.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.unifiedvolume.targets.nbd.NbdLoopback;
import org.unifiedvolume.testkit.TestProcess;

/// fio writes through NBD into a file member, reads back, and compares checksums.
@Timeout(90)
final class FileRingVerifyTest {
    @TempDir private Path folder;

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void everyChecksumIsRight(boolean direct) throws Exception {
        RingAvailable.orSkip();
        Assumptions.assumeTrue(hasFio(), "fio with its nbd engine is not installed");
        TestProcess process = TestProcess.start();
        Path socket = folder.resolve("s");
        FileOptions options =
                FileOptions.of(folder.resolve("v.img")).creating(32 << 20).withDirect(direct);
        FileDevice file = FileDevice.open(options.withLane(LaneChoice.URING), process.context());
        try (NbdLoopback _ = new NbdLoopback(process, file, socket)) {
            verify("nbd+unix:///test?socket=" + socket);
        }
        process.close();
    }

    private void verify(String uri) throws Exception {
        File output = folder.resolve("fio.txt").toFile();
        Process fio =
                new ProcessBuilder(
                                "fio",
                                "--name=verify",
                                "--ioengine=nbd",
                                "--uri=" + uri,
                                "--rw=randwrite",
                                "--bsrange=4k-64k",
                                "--blockalign=4k",
                                "--iodepth=32",
                                "--size=32m",
                                "--fsync=64",
                                "--verify=crc32c",
                                "--verify_fatal=1",
                                "--verify_state_save=0",
                                "--randrepeat=0")
                        .redirectErrorStream(true)
                        .redirectOutput(output)
                        .start();
        try {
            assertTrue(fio.waitFor(60, TimeUnit.SECONDS), "fio did not end");
            String said = Files.readString(output.toPath());
            assertEquals(0, fio.exitValue(), said);
            assertTrue(said.contains("read:") && said.contains("write:"), said);
        } finally {
            fio.destroyForcibly();
        }
    }

    private static boolean hasFio() throws InterruptedException {
        try {
            Process fio = new ProcessBuilder("fio", "--enghelp").redirectErrorStream(true).start();
            String engines =
                    new String(fio.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return fio.waitFor() == 0 && engines.contains("nbd");
        } catch (IOException e) {
            return false;
        }
    }
}

package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.unifiedvolume.demo.DemoRound;

/// The product's main job, as `uvol demo --once` does it: a filesystem over local and remote disks
/// keeps every byte, and a mirror survives the loss of its remote leg.
class MainJobTest {
    @Test
    @Timeout(value = 3, unit = TimeUnit.MINUTES)
    void isDoneFromEndToEnd() {
        assumeTrue(
                System.getProperty("user.name").equals("root"), "mounting filesystems needs root");
        assumeTrue(
                Files.exists(Path.of("/dev/fuse")) && Files.exists(Path.of("/dev/loop-control")),
                "this machine has no FUSE or no loop devices");
        StringWriter report = new StringWriter();
        assertTrue(new DemoRound(new PrintWriter(report, true)).run(), report::toString);
    }
}

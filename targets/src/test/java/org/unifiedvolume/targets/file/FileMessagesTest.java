package org.unifiedvolume.targets.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.DeviceUri;
import org.unifiedvolume.config.Place;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.spi.MemberPlan;
import org.unifiedvolume.spi.TargetContext;
import org.unifiedvolume.testkit.TestProcess;

/// A local member that cannot be had is refused with its path, the reason and the remedy: when
/// plans are checked, and again when it is opened.
final class FileMessagesTest {
    @TempDir private Path folder;

    private TestProcess process;
    private TargetContext context;

    @BeforeEach
    void start() {
        process = TestProcess.start();
        context = new TargetContext(process.context(), process.loops(), null, null);
    }

    @AfterEach
    void stop() {
        process.close();
    }

    private MemberPlan plan(String text) throws ConfigFault {
        return new FileKind().plan(DeviceUri.parse(Place.COMMAND_LINE, folder, text));
    }

    /// Refused alike by looking and by opening.
    private void refused(String uri, String... parts) throws ConfigFault {
        MemberPlan plan = plan(uri);
        assertHas(assertThrows(IOException.class, plan::check).getMessage(), parts);
        assertHas(assertThrows(IOException.class, () -> plan.open(context)).getMessage(), parts);
    }

    private static void assertHas(String message, String... parts) {
        for (String part : parts) {
            assertTrue(message.contains(part), "\"%s\" lacks \"%s\"".formatted(message, part));
        }
    }

    private void refusedAsWritten(String uri, String... parts) {
        assertHas(assertThrows(ConfigFault.class, () -> plan(uri)).getMessage(), parts);
    }

    private Path file(long bytes) throws IOException {
        Path file = folder.resolve("a.img");
        try (RandomAccessFile made = new RandomAccessFile(file.toFile(), "rw")) {
            made.setLength(bytes);
        }
        return file;
    }

    @Test
    void aMissingFile() throws Exception {
        refused("file:gone.img", folder + "/gone.img does not exist", "?size=");
        assertFalse(Files.exists(folder.resolve("gone.img")));
    }

    @Test
    void aMissingFolder() throws Exception {
        refused("file:no/such/a.img?size=1MiB", "no/such/a.img", "folder does not exist");
    }

    @Test
    void aDirectory() throws Exception {
        refused("file:.", folder.toString(), "is a directory", "?size=");
    }

    @Test
    void somethingThatIsNoDisk() throws Exception {
        refused("file:/dev/null", "/dev/null is neither a file nor a block device");
    }

    @Test
    void anEmptyFile() throws Exception {
        file(0);
        refused("file:a.img", "a.img has 0 bytes", "truncate");
    }

    @Test
    void aFileOfAnotherSizeThanAskedFor() throws Exception {
        file(4096);
        refused("file:a.img?size=1MiB", "a.img exists with 4096 bytes", "1048576", "another file");
        assertEquals(4096, Files.size(folder.resolve("a.img")));
    }

    @Test
    void aFileThatAnotherMemberHas() throws Exception {
        file(1 << 20);
        try (BlockDevice first = plan("file:a.img").open(context)) {
            assertTrue(first.shape().sizeBytes() > 0);
            refused("file:a.img", "a.img is in use", "written by one alone");
            refused("file:a.img?readonly=true", "a.img is in use", "for writing");
        }
        plan("file:a.img").check();
        plan("file:a.img").open(context).close();
    }

    @Test
    void aFileThatAnotherProcessHas() throws Exception {
        Path file = file(1 << 20);
        Process other =
                new ProcessBuilder("qemu-io", "-f", "raw", "-c", "sleep 60000", file.toString())
                        .redirectErrorStream(true)
                        .start();
        try {
            MemberPlan plan = plan("file:a.img");
            TestProcess.await("qemu-io has the file", () -> isRefused(plan));
            refused("file:a.img", "a.img is in use", "another process");
        } finally {
            other.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
        }
        plan("file:a.img").check();
    }

    private static boolean isRefused(MemberPlan plan) {
        try {
            plan.check();
            return false;
        } catch (IOException e) {
            return true;
        }
    }

    @Test
    void readersShareAFile() throws Exception {
        file(1 << 20);
        try (BlockDevice first = plan("file:a.img?readonly=true").open(context);
                BlockDevice second = plan("file:a.img?readonly=true").open(context)) {
            assertTrue(first.shape().isReadOnly() && second.shape().isReadOnly());
            refused("file:a.img", "a.img is in use");
        }
    }

    @Test
    void aFileThatMayNotBeWritten() throws Exception {
        Path file = file(1 << 20);
        // Even root may not write an immutable file; not every filesystem knows them.
        Assumptions.assumeTrue(run("chattr", "+i", file.toString()) == 0);
        try {
            refused("file:a.img", "a.img", "owner and mode", "?readonly=true");
            plan("file:a.img?readonly=true").open(context).close();
        } finally {
            assertEquals(0, run("chattr", "-i", file.toString()));
        }
    }

    @Test
    void aFileOnAReadOnlyFilesystem() throws Exception {
        Path mount = Files.createDirectory(folder.resolve("ro"));
        Assumptions.assumeTrue(run("mount", "-t", "tmpfs", "uvol-test", mount.toString()) == 0);
        try {
            try (RandomAccessFile made = new RandomAccessFile(mount.resolve("a").toFile(), "rw")) {
                made.setLength(4096);
            }
            assertEquals(0, run("mount", "-o", "remount,ro", mount.toString()));
            refused("file:ro/a", "ro/a", "?readonly=true");
            refused("file:ro/b?size=1MiB", "ro/b");
            plan("file:ro/a?readonly=true").check();
            plan("file:ro/a?readonly=true").open(context).close();
        } finally {
            assertEquals(0, run("umount", mount.toString()));
        }
    }

    private static int run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getInputStream().readAllBytes();
        return process.waitFor();
    }

    @Test
    void optionsThatCannotBe() {
        refusedAsWritten("file:a.img?size=0", "no size", "?size=10GiB");
        refusedAsWritten("file:a.img?size=1GiB&readonly=true", "new file that is read-only");
        refusedAsWritten("file:a.img?size=1GB", "\"1GB\" is not a size", "GiB");
        refusedAsWritten("file:a.img?colour=red", "unknown option \"colour\"", "readonly");
        refusedAsWritten("file:a.img?workers=0", "workers=0", "1 to 256");
        refusedAsWritten("file:", "has no path", "file:/path/to/file");
    }

    @Test
    void checkingLeavesNothingBehind() throws Exception {
        plan("file:new.img?size=1MiB").check();
        assertFalse(Files.exists(folder.resolve("new.img")));
    }

    @Test
    void aNewFileIsSparse() throws Exception {
        plan("file:new.img?size=1GiB").open(context).close();
        Path file = folder.resolve("new.img");
        assertEquals(1 << 30, Files.size(file));
        assertTrue(blocksOf(file) < 100, "a new file takes space");
        plan("file:new.img?size=1GiB").open(context).close();
    }

    private static long blocksOf(Path file) throws Exception {
        Process stat =
                new ProcessBuilder("stat", "-c", "%b", file.toString())
                        .redirectErrorStream(true)
                        .start();
        long blocks = Long.parseLong(stat.inputReader().readLine());
        stat.waitFor();
        return blocks;
    }
}

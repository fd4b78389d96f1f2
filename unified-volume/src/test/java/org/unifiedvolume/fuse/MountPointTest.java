package org.unifiedvolume.fuse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.FileCalls;
import org.unifiedvolume.linux.MountCalls;
import org.unifiedvolume.mount.MountTable;
import org.unifiedvolume.mount.Tool;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.testkit.MemoryDevice;

/// Where a file may be mounted, and what is said where it may not.
class MountPointTest {
    private static final int NOBODY = 65534;

    @TempDir Path temporary;
    private Path folder;
    private Path file;

    @BeforeEach
    void needsFuse() throws IOException {
        assumeTrue(FuseHost.problem() == null, FuseHost.problem());
        folder = temporary.toRealPath();
        file = folder.resolve("disk.img");
    }

    @AfterEach
    void leavesNothing() throws IOException {
        if (MountTable.read().at(file).isPresent()) {
            FuseMounter.detach(file);
        }
    }

    private static FuseHost host() {
        return new FuseHost(io -> new MemoryDevice(1 << 20, Locality.LOCAL, io));
    }

    private static String refusal(String uri) {
        return assertThrows(IOException.class, () -> FuseHost.plan(uri).check()).getMessage();
    }

    @Test
    void aFolderIsRefused() {
        assertEquals(
                folder + ": is a directory; name a file in it: fuse:" + file,
                refusal("fuse:" + folder).replace(folder + "/disk.img", file.toString()));
    }

    @Test
    void aFileWithContentIsRefusedAndKept() throws IOException {
        Files.writeString(file, "precious");
        assertEquals(
                file
                        + ": is a file with 8 bytes, which the mount would hide; move it away or"
                        + " choose another path",
                refusal("fuse:" + file));
        assertEquals("precious", Files.readString(file));
    }

    @Test
    void aPathWithoutItsFolderIsRefused() {
        Path missing = folder.resolve("missing");
        assertEquals(
                "%s/disk.img: the directory %s does not exist; make it: mkdir -p %s"
                        .formatted(missing, missing, missing),
                refusal("fuse:" + missing + "/disk.img"));
    }

    @Test
    void aSymbolicLinkIsRefused() throws IOException {
        Files.createSymbolicLink(file, folder.resolve("elsewhere"));
        assertEquals(
                file + ": is neither missing nor an empty regular file; choose another path",
                refusal("fuse:" + file));
    }

    @Test
    void aLiveMountIsRefusedAndGoesOn() throws Exception {
        try (FuseHost host = host()) {
            host.mount(file);
            assertEquals(
                    "%s: uvol:media is mounted there (fuse.uvol); unmount it (umount %s) or choose"
                                    .formatted(file, file)
                            + " another path",
                    refusal("fuse:" + file));
            assertEquals(1 << 20, Files.size(file));
        }
    }

    @Test
    void optionsThatMakeNoSenseAreRefused() {
        assertEquals(
                "command line: fuse:/a?binding=best has binding=best; write native or jnr",
                assertThrows(ConfigFault.class, () -> FuseHost.plan("fuse:/a?binding=best"))
                        .getMessage());
        assertEquals(
                "command line: fuse:/a?color=red has an unknown option \"color\"; known ones are"
                        + " allow-other, binding, readonly",
                assertThrows(ConfigFault.class, () -> FuseHost.plan("fuse:/a?color=red"))
                        .getMessage());
        assertEquals(
                "command line: fuse: has no path; write fuse:/path/to/file",
                assertThrows(ConfigFault.class, () -> FuseHost.plan("fuse:")).getMessage());
    }

    @Test
    void anEmptyFileIsUsedWithItsPermissionsAndKept() throws Exception {
        Files.createFile(file);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
        try (FuseHost host = host()) {
            host.mount(file);
            assertEquals(
                    "rw-r--r--",
                    PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        }
        assertTrue(Files.exists(file));
        assertEquals(0, Files.size(file));
    }

    @Test
    void checkingChangesNothing() throws Exception {
        FuseHost.plan("fuse:" + file).check();
        assertFalse(Files.exists(file));
    }

    @Test
    void twoExportsOfOnePathAreInEachOthersWay() throws Exception {
        assertEquals(
                FuseHost.plan("fuse:" + file).identity(),
                FuseHost.plan("fuse:" + folder + "/x/../disk.img?readonly=true").identity());
    }

    @Test
    void aMountWhoseServerWasKilledGivesErrorsAndIsReplaced() throws Exception {
        try (ChildHost child = ChildHost.start(file.toString())) {
            FileChannel open = FileChannel.open(file, StandardOpenOption.READ);
            child.kill();
            IOException lost =
                    assertThrows(IOException.class, () -> open.read(ByteBuffer.allocate(512)));
            assertTrue(lost.getMessage().contains("not connected"), lost.getMessage());
            assertThrows(IOException.class, open::close);
        }
        assertTrue(MountTable.read().at(file).isPresent(), "the stale mount is still there");
        FuseHost.plan("fuse:" + file).check();
        try (FuseHost host = host()) {
            host.mount(file);
            assertEquals(1 << 20, Files.size(file));
        }
        assertTrue(MountTable.read().at(file).isEmpty());
        assertFalse(Files.exists(file));
    }

    @Test
    void whatSomebodyElseMountedAboveStays() throws Exception {
        assumeTrue(MountCalls.effectiveUserId() == 0, "only root can bind files");
        Path other = Files.writeString(folder.resolve("other"), "theirs");
        try (FuseHost host = host()) {
            host.mount(file);
            Tool.MOUNT.runOrFail("--bind", other.toString(), file.toString());
            host.unmount();
            assertEquals("theirs", Files.readString(file));
            Tool.UMOUNT.runOrFail(file.toString());
            assertThrows(IOException.class, () -> Files.size(file), "ours has ended below it");
            host.mount(file);
            assertEquals(1 << 20, Files.size(file), "and is replaced by the next one");
        }
        assertFalse(Files.exists(file));
    }

    @Test
    void aPlainUserMountsByFusermount() throws Exception {
        assumeTrue(MountCalls.effectiveUserId() == 0, "only root can become another user");
        assumeTrue(Tool.FUSERMOUNT.locate().isPresent(), "fusermount3 is not installed");
        Path home = Files.createDirectory(folder.resolve("home"));
        Path copies = Files.createDirectory(folder.resolve("classes"));
        Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.setPosixFilePermissions(copies, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.setPosixFilePermissions(home, PosixFilePermissions.fromString("rwxrwxrwx"));
        Path theirs = home.resolve("disk.img");
        Path source = folder.resolve("source");
        Files.write(source, new byte[5_000_000]);
        // As udev sets it on most hosts; containers often lack udev.
        Path device = Path.of("/dev/fuse");
        Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(device);
        Files.setPosixFilePermissions(device, PosixFilePermissions.fromString("rw-rw-rw-"));
        try (ChildHost child = ChildHost.startAs(NOBODY, theirs.toString(), copies)) {
            assertEquals("fuse.uvol", MountTable.read().at(theirs).orElseThrow().type());
            assertEquals(
                    0,
                    asNobody(
                            "dd conv=notrunc,fsync bs=1M status=none if=%s of=%s && cmp -n 5000000"
                                            .formatted(source, theirs)
                                    + " %s %s".formatted(source, theirs)));
            assertEquals(0, child.end());
        } finally {
            Files.setPosixFilePermissions(device, permissions);
        }
        assertTrue(MountTable.read().at(theirs).isEmpty());
        assertFalse(Files.exists(theirs));
    }

    private static int asNobody(String command) throws Exception {
        String user = Integer.toString(NOBODY);
        return new ProcessBuilder(
                        "setpriv",
                        "--reuid",
                        user,
                        "--regid",
                        user,
                        "--clear-groups",
                        "sh",
                        "-c",
                        command)
                .inheritIO()
                .start()
                .waitFor();
    }

    @Test
    void aServerThatIsKilledInTheMiddleOfWritesEndsThemWithAnError() throws Exception {
        CompletableFuture<Long> written = new CompletableFuture<>();
        AtomicLong progress = new AtomicLong();
        try (ChildHost child = ChildHost.start(file.toString())) {
            Thread writer =
                    Thread.ofPlatform()
                            .daemon()
                            .start(() -> written.complete(writeUntilAnError(progress)));
            long end = System.nanoTime() + 20_000_000_000L;
            while (progress.get() < 1000) {
                assertTrue(System.nanoTime() - end < 0, "the writer does not get on");
                Thread.onSpinWait();
            }
            child.kill();
            long error = written.get(20, TimeUnit.SECONDS);
            assertTrue(
                    error == -Errno.ENOTCONN || error == -Errno.ECONNABORTED,
                    "the writer ended with " + Errno.meaning(error));
            writer.join();
        }
    }

    private long writeUntilAnError(AtomicLong progress) {
        int fd = FileCalls.open(file.toString(), FileCalls.O_RDWR, 0);
        try (Arena arena = Arena.ofConfined()) {
            long address = arena.allocate(4096, 4096).address();
            long result;
            do {
                result =
                        FileCalls.pwrite(
                                fd, address, 4096, progress.getAndIncrement() % 256 * 4096);
            } while (result == 4096);
            return result;
        } finally {
            FileCalls.close(fd);
        }
    }

    @Test
    void othersUseTheFileOnlyIfTheyAreAllowedAndItsPermissionsSaySo() throws Exception {
        assumeTrue(MountCalls.effectiveUserId() == 0, "only root can become another user");
        Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("rwxr-xr-x"));
        try (FuseHost host = host()) {
            host.mount(file);
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
            assertEquals(1, asNobody("cat %s > /dev/null 2>&1".formatted(file)));
            host.unmount();
            host.mount(file, "?allow-other=true");
            assertEquals(1, asNobody("cat %s > /dev/null 2>&1".formatted(file)));
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
            assertEquals(0, asNobody("cat %s > /dev/null".formatted(file)));
            assertEquals(
                    1,
                    asNobody("test -w %s".formatted(file)),
                    "reading is allowed, writing is not");
        }
    }
}

package org.unifiedvolume.mount;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/// What the control path says when it cannot do what it was asked.
class MountsTest {
    @TempDir Path folder;

    private static String message(Executable attempt) {
        return assertThrows(IOException.class, attempt).getMessage();
    }

    private Path image(String name) throws IOException {
        Path image = folder.resolve(name);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(16 << 20);
        }
        return image;
    }

    @Test
    void aMissingToolIsNamedWithItsPackage() {
        assertEquals(
                "mkfs.nosuch is not installed; on Debian: apt-get install nosuch-progs",
                message(() -> Tool.find("mkfs.nosuch", "nosuch-progs")));
    }

    @Test
    void aFileIsNoPlaceToMountOn() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));
        assertEquals(
                file + ": is not a directory; name one to mount /dev/loop9 on",
                message(() -> Mounts.mount("/dev/loop9", file)));
    }

    @Test
    void aFolderThatIsTakenIsRefused() {
        assertEquals(
                "/proc: something is mounted there already; umount /proc or name another directory",
                message(() -> Mounts.mount("/dev/loop9", Path.of("/proc"))));
    }

    @Test
    void whatIsNotMountedCannotBeUnmounted() {
        String said = message(() -> Mounts.unmount(folder));
        assertTrue(said.startsWith(folder + ": cannot be unmounted: "), said);
    }

    @Test
    void aFileThatIsMissingMakesNoLoopDevice() {
        Path missing = folder.resolve("missing.img");
        String said = message(() -> LoopDevices.attach(missing, false));
        assertTrue(said.startsWith(missing + ": no loop device can be made of it: "), said);
    }

    @Test
    void nothingStandsOnAFileThatNobodyUses() throws IOException {
        assertTrue(Mounts.usersOf(image("unused.img")).isEmpty());
        assertEquals(List.of(), Mounts.takeDown(folder.resolve("missing.img")));
    }

    @Test
    void aFilesystemInAFileIsRecognized() throws IOException {
        Path image = image("plain.img");
        assertEquals("", Filesystems.signature(image.toString()));
        Filesystems.make("ext4", image.toString(), false);
        assertEquals("ext4", Filesystems.signature(image.toString()));
    }

    @Test
    void aReadOnlyLoopDeviceIsFoundByItsFileAndGivenUp() throws IOException {
        assumeTrue(Files.isWritable(Path.of("/dev/loop-control")), "no right to make loop devices");
        Path image = image("attached.img");
        String device = LoopDevices.attach(image, true);
        try {
            assertEquals(List.of(device), LoopDevices.findByFile(image));
            assertEquals(
                    "1",
                    Files.readString(Path.of("/sys/block", device.substring(5), "ro")).strip());
        } finally {
            LoopDevices.detach(device);
        }
        assertEquals(List.of(), LoopDevices.findByFile(image));
        LoopDevices.detach(device);
    }
}

package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.it.harness.Command;
import org.unifiedvolume.raid.superblock.KnownContent;
import org.unifiedvolume.raid.superblock.MemberIo;

/// Promise: what a disk carries is named before an array would overwrite it, as the programs that
/// make it really write it.
class KnownContentTest {
    private static final long SIZE = 400L << 20;

    @TempDir private Path folder;

    /// A file as a member that is only looked at.
    private record FileMember(Path file) implements MemberIo {
        @Override
        public long sizeBytes() {
            return file.toFile().length();
        }

        @Override
        public byte[] read(long offset, int length) throws IOException {
            try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "r")) {
                byte[] bytes = new byte[length];
                open.seek(offset);
                open.readFully(bytes);
                return bytes;
            }
        }

        @Override
        public void writeDurable(long offset, byte[] bytes) {
            throw new AssertionError("a look writes nothing");
        }
    }

    private Path sparse() throws IOException {
        Path file = folder.resolve("disk.img");
        try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
            open.setLength(SIZE);
        }
        return file;
    }

    private void names(String words, String program, Object... arguments) throws IOException {
        Path disk = sparse();
        Object[] all = new Object[arguments.length + 1];
        System.arraycopy(arguments, 0, all, 0, arguments.length);
        all[arguments.length] = disk;
        Command.of(program, all).run().succeeds();
        assertEquals(words, KnownContent.describe(new FileMember(disk)));
    }

    @Test
    void anEmptyDiskIsEmpty() throws IOException {
        assertEquals("", KnownContent.describe(new FileMember(sparse())));
    }

    @Test
    void ext2IsNamed() throws IOException {
        names("an ext2 filesystem", "mkfs.ext4", "-q", "-F", "-t", "ext2");
    }

    @Test
    void ext3IsNamed() throws IOException {
        names("an ext3 filesystem", "mkfs.ext4", "-q", "-F", "-t", "ext3");
    }

    @Test
    void ext4IsNamed() throws IOException {
        names("an ext4 filesystem", "mkfs.ext4", "-q", "-F");
    }

    @Test
    void xfsIsNamed() throws IOException {
        names("an XFS filesystem", "mkfs.xfs", "-q", "-f");
    }

    @Test
    void btrfsIsNamed() throws IOException {
        names("a Btrfs filesystem", "mkfs.btrfs", "-q", "-f");
    }

    @Test
    void swapSpaceIsNamed() throws IOException {
        names("swap space", "mkswap");
    }

    @Test
    void partitionTablesAreNamed() throws IOException {
        Path disk = sparse();
        Command.of("sfdisk", "-q", disk).input("label: gpt\n,,L\n").run().succeeds();
        assertEquals("a GPT partition table", KnownContent.describe(new FileMember(disk)));
        Command.of("sfdisk", "-q", disk).input("label: dos\n,,L\n").run().succeeds();
        assertEquals(
                "an MBR partition table or a boot sector",
                KnownContent.describe(new FileMember(disk)));
    }

    @Test
    void imagesAreNamed() throws IOException {
        for (String[] kind :
                new String[][] {
                    {"qcow2", "a qcow2 image"},
                    {"vhdx", "a VHDX image"},
                    {"vpc", "a VHD image"},
                    {"vmdk", "a VMDK image"}
                }) {
            Path image = folder.resolve("image." + kind[0]);
            Command.of("qemu-img", "create", "-q", "-f", kind[0], image, "64M").run().succeeds();
            assertEquals(kind[1], KnownContent.describe(new FileMember(image)));
        }
    }
}

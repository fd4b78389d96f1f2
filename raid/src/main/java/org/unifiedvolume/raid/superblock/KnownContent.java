package org.unifiedvolume.raid.superblock;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.unifiedvolume.raid.superblock.MemberAreas.Area;

/// Tells what a member carries, in words that users know, by the marks that programs leave.
public final class KnownContent {
    private static final int LOOK_BYTES = 1 << 20;
    private static final int MD_MAGIC = 0xa92b4efc;
    private static final int ZFS_MAGIC = 0x00bab10c;
    /// What is said of bytes that nobody's mark tells anything about.
    public static final String UNKNOWN = "data of an unknown kind";

    private static final int EXT_JOURNAL = 4;
    private static final int EXT_EXTENTS = 0x40;

    /// A text that some program leaves at one place, read as ISO 8859-1.
    private record Mark(String words, int offset, String text) {
        boolean isIn(byte[] bytes) {
            byte[] mark = text.getBytes(StandardCharsets.ISO_8859_1);
            return bytes.length >= offset + mark.length
                    && Arrays.equals(bytes, offset, offset + mark.length, mark, 0, mark.length);
        }
    }

    private static final List<Mark> MARKS =
            List.of(
                    new Mark("an XFS filesystem", 0, "XFSB"),
                    new Mark("a Btrfs filesystem", 0x10040, "_BHRfS_M"),
                    new Mark("a LUKS1 volume", 0, "LUKS\u00ba\u00be\0\1"),
                    new Mark("a LUKS2 volume", 0, "LUKS\u00ba\u00be\0\2"),
                    new Mark("an LVM2 physical volume", 0, "LABELONE"),
                    new Mark("an LVM2 physical volume", 512, "LABELONE"),
                    new Mark("an LVM2 physical volume", 1024, "LABELONE"),
                    new Mark("an LVM2 physical volume", 1536, "LABELONE"),
                    new Mark("swap space", 4096 - 10, "SWAPSPACE2"),
                    new Mark("swap space", 65536 - 10, "SWAPSPACE2"),
                    new Mark("an NTFS filesystem", 3, "NTFS    "),
                    new Mark("an exFAT filesystem", 3, "EXFAT   "),
                    new Mark("a FAT filesystem", 82, "FAT32   "),
                    new Mark("a FAT filesystem", 54, "FAT12   "),
                    new Mark("a FAT filesystem", 54, "FAT16   "),
                    new Mark("an ISO 9660 filesystem", 0x8001, "CD001"),
                    new Mark("a SquashFS filesystem", 0, "hsqs"),
                    new Mark("a qcow2 image", 0, "QFI\u00fb"),
                    new Mark("a VHDX image", 0, "vhdxfile"),
                    new Mark("a VHD image", 0, "conectix"),
                    new Mark("a VMDK image", 0, "KDMV"),
                    new Mark("a GPT partition table", 512, "EFI PART"),
                    new Mark("a GPT partition table", 4096, "EFI PART"));

    private final long sizeBytes;
    private final byte[] start;
    private final byte[] end;

    private KnownContent(long sizeBytes, byte[] start, byte[] end) {
        this.sizeBytes = sizeBytes;
        this.start = start;
        this.end = end;
    }

    /// What a member carries; empty if its first and last MiB are zeroes, but for what an array
    /// left that was never finished. What lies between them is not looked at.
    ///
    /// @throws IOException if it cannot be read
    public static String describe(MemberIo io) throws IOException {
        SuperblockSlots slots = SuperblockSlots.read(io);
        Superblock own = slots.current();
        if (own != null && own.events() > 0) {
            return "a member of the %s array %s (%s)"
                    .formatted(own.array().levelName(), own.array().name(), own.array().uuid());
        }
        if (!slots.damage().isEmpty()) {
            return slots.damage();
        }
        int length = (int) Math.min(LOOK_BYTES, io.sizeBytes());
        byte[] start = io.read(0, length);
        byte[] end = io.read(io.sizeBytes() - length, length);
        KnownContent content = new KnownContent(io.sizeBytes(), start, end);
        if (own != null) {
            content.leaveOut(own.areas());
        }
        return content.words();
    }

    /// An array that was never finished has written nothing but its own areas: what else is there
    /// was there before.
    private void leaveOut(MemberAreas areas) {
        List<Area> own = new ArrayList<>(MemberLayout.slots(areas.memberBytes(), areas.place()));
        own.addAll(List.of(areas.bitmap(), areas.badBlocks(), areas.journal()));
        for (Area area : own) {
            clear(start, area.offset(), area.end());
            long endOffset = sizeBytes - end.length;
            clear(end, area.offset() - endOffset, area.end() - endOffset);
        }
    }

    private static void clear(byte[] bytes, long from, long to) {
        int first = Math.clamp(from, 0, bytes.length);
        Arrays.fill(bytes, first, Math.clamp(to, first, bytes.length), (byte) 0);
    }

    private String words() {
        if (isLinuxArray()) {
            return "a member of a Linux md array";
        }
        if (isPool()) {
            return "a member of a ZFS pool";
        }
        for (Mark mark : MARKS) {
            if (mark.isIn(start)) {
                return mark.words;
            }
        }
        if (new Mark("", Math.max(0, end.length - 512), "conectix").isIn(end)) {
            return "a VHD image";
        }
        if (start.length > 2048 && (number(start, 1080) & 0xffff) == 0xef53) {
            return extended();
        }
        if (start.length >= 512 && (number(start, 508) >>> 16) == 0xaa55) {
            return "an MBR partition table or a boot sector";
        }
        return isZero(start) && isZero(end) ? "" : UNKNOWN;
    }

    /// ext3 has a journal, ext4 has extents.
    private String extended() {
        if ((number(start, 1024 + 96) & EXT_EXTENTS) != 0) {
            return "an ext4 filesystem";
        }
        return (number(start, 1024 + 92) & EXT_JOURNAL) != 0
                ? "an ext3 filesystem"
                : "an ext2 filesystem";
    }

    /// The superblocks of versions 1.1, 1.2, 0.90 and 1.0, the latter two near the end.
    private boolean isLinuxArray() {
        long old = (sizeBytes & -65536) - 65536;
        long sectors = sizeBytes / 512 - 16;
        long atEnd = (sectors & -8) * 512;
        return isAt(0, MD_MAGIC)
                || isAt(4096, MD_MAGIC)
                || isAt(old, MD_MAGIC)
                || isAt(atEnd, MD_MAGIC);
    }

    /// An uberblock in the ring of the first or of the last label, in either byte order.
    private boolean isPool() {
        long labels = sizeBytes & -(256 << 10);
        for (long label : new long[] {0, labels - (256 << 10)}) {
            for (int i = 0; i < 128; i++) {
                long at = label + (128 << 10) + i * 1024L;
                if (isAt(at, ZFS_MAGIC) || isAt(at + 4, Integer.reverseBytes(ZFS_MAGIC))) {
                    return true;
                }
            }
        }
        return false;
    }

    /// Whether a little-endian number is at a place among the first or the last bytes.
    private boolean isAt(long offset, int number) {
        if (offset >= 0 && offset + Integer.BYTES <= start.length) {
            return number(start, (int) offset) == number;
        }
        long inEnd = offset - (sizeBytes - end.length);
        return inEnd >= 0
                && inEnd + Integer.BYTES <= end.length
                && number(end, (int) inEnd) == number;
    }

    private static int number(byte[] bytes, int offset) {
        return (bytes[offset] & 0xff)
                | (bytes[offset + 1] & 0xff) << 8
                | (bytes[offset + 2] & 0xff) << 16
                | bytes[offset + 3] << 24;
    }

    private static boolean isZero(byte[] bytes) {
        for (byte b : bytes) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }
}

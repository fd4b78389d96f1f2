package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.volume.Member;

/// Tells what a device carries that is no member of an array yet, by the marks that programs leave.
public final class MemberContent {
    private static final int LOOK_BYTES = 1 << 20;

    /// What was found.
    ///
    /// @param words what it is, for users; empty if nothing is there
    /// @param isSurelyZero whether every byte is known to be zero
    public record Content(String words, boolean isSurelyZero) {
        public boolean isBlank() {
            return words.isEmpty();
        }
    }

    /// A mark that some program leaves at one place.
    private record Mark(String words, int offset, byte[] bytes) {
        static Mark text(String words, int offset, String text) {
            return new Mark(words, offset, text.getBytes(StandardCharsets.ISO_8859_1));
        }

        static Mark bytes(String words, int offset, int... values) {
            byte[] bytes = new byte[values.length];
            for (int i = 0; i < values.length; i++) {
                bytes[i] = (byte) values[i];
            }
            return new Mark(words, offset, bytes);
        }

        boolean isIn(byte[] start) {
            return start.length >= offset + bytes.length
                    && Arrays.equals(start, offset, offset + bytes.length, bytes, 0, bytes.length);
        }
    }

    private static final List<Mark> MARKS =
            List.of(
                    Mark.text("an XFS filesystem", 0, "XFSB"),
                    Mark.text("a Btrfs filesystem", 0x10040, "_BHRfS_M"),
                    Mark.text("a LUKS volume", 0, "LUKS\u00ba\u00be"),
                    Mark.text("an LVM physical volume", 512, "LABELONE"),
                    Mark.text("swap space", 4086, "SWAPSPACE2"),
                    Mark.bytes("a member of a Linux md array", 0, 0xfc, 0x4e, 0x2b, 0xa9),
                    Mark.bytes("a member of a Linux md array", 4096, 0xfc, 0x4e, 0x2b, 0xa9),
                    Mark.text("an NTFS filesystem", 3, "NTFS    "),
                    Mark.text("a FAT filesystem", 82, "FAT32   "),
                    Mark.text("a FAT filesystem", 54, "FAT1"),
                    Mark.text("an ISO 9660 filesystem", 0x8001, "CD001"),
                    Mark.text("a qcow2 image", 0, "QFI\u00fb"),
                    Mark.text("a VHDX image", 0, "vhdxfile"),
                    Mark.text("a VHD image", 0, "conectix"),
                    Mark.bytes("an ext2, ext3 or ext4 filesystem", 1080, 0x53, 0xef),
                    Mark.text("a GPT partition table", 512, "EFI PART"),
                    Mark.text("a GPT partition table", 4096, "EFI PART"),
                    Mark.bytes("an MBR partition table or a boot sector", 510, 0x55, 0xaa));

    private MemberContent() {}

    /// Looks at a member's first and last bytes, and at what it knows of its extents. Blocks.
    ///
    /// @throws IOException if it cannot be read
    static Content look(Member member, BlockingLegs blocking) throws IOException {
        long size = member.shape().sizeBytes();
        MemberAccess access = new MemberAccess(member, blocking);
        if (isSurelyZero(member, blocking)) {
            return new Content("", true);
        }
        int length = (int) Math.min(LOOK_BYTES, size);
        byte[] start = access.read(0, length);
        byte[] end = access.read(size - length, length);
        return new Content(wordsFor(start, end), false);
    }

    private static boolean isSurelyZero(Member member, BlockingLegs blocking) throws IOException {
        if (!member.shape().can(Ability.LOCATE)) {
            return false;
        }
        long size = member.shape().sizeBytes();
        try {
            long at = 0;
            long run = -1;
            while (at < size && run != 0) {
                run = blocking.zeroRun(member, at, size - at);
                at += run;
            }
            return at == size;
        } catch (DeviceFault fault) {
            throw new IOException(
                    "%s cannot be read: %s".formatted(member.uri(), fault.getMessage()), fault);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while " + member.uri() + " was looked at", e);
        }
    }

    /// What the first and last bytes of a device say; empty if both are all zeroes.
    static String wordsFor(byte[] start, byte[] end) {
        for (Mark mark : MARKS) {
            if (mark.isIn(start)) {
                return mark.words;
            }
        }
        return isZero(start) && isZero(end) ? "" : "data of an unknown kind";
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

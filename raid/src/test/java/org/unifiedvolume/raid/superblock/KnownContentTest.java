package org.unifiedvolume.raid.superblock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What a member carries, by headers built from the formats' descriptions.
class KnownContentTest {
    private static final int SIZE = 3 << 20;

    private static String describe(int offset, int... bytes) throws IOException {
        MemoryMember member = new MemoryMember(SIZE, 512);
        for (int i = 0; i < bytes.length; i++) {
            member.bytes()[offset + i] = (byte) bytes[i];
        }
        return KnownContent.describe(member);
    }

    private static String describe(int offset, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        int[] numbers = new int[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            numbers[i] = bytes[i];
        }
        return describe(offset, numbers);
    }

    @Test
    void zeroesAreNothingAndOtherBytesAreSomething() throws IOException {
        assertEquals("", KnownContent.describe(new MemoryMember(SIZE, 4096)));
        assertEquals("", KnownContent.describe(new MemoryMember(512, 512)));
        assertEquals("data of an unknown kind", describe(0, 1));
        assertEquals("data of an unknown kind", describe((1 << 20) - 1, 1));
        assertEquals("data of an unknown kind", describe(SIZE - 1, 1));
        assertEquals("", describe((1 << 20) + 5, 1), "the middle is not looked at");
    }

    @Test
    void filesystemsImagesAndTablesAreNamed() throws IOException {
        assertEquals("an XFS filesystem", describe(0, "XFSB"));
        assertEquals("a Btrfs filesystem", describe(0x10040, "_BHRfS_M"));
        assertEquals("swap space", describe(4086, "SWAPSPACE2"));
        assertEquals("a LUKS1 volume", describe(0, "LUKS\u00ba\u00be\0\1"));
        assertEquals("a LUKS2 volume", describe(0, "LUKS\u00ba\u00be\0\2"));
        assertEquals("an LVM2 physical volume", describe(512, "LABELONE"));
        assertEquals("an NTFS filesystem", describe(3, "NTFS    "));
        assertEquals("a FAT filesystem", describe(82, "FAT32   "));
        assertEquals("a FAT filesystem", describe(54, "FAT16   "));
        assertEquals("an ISO 9660 filesystem", describe(32769, "CD001"));
        assertEquals("a qcow2 image", describe(0, "QFI\u00fb"));
        assertEquals("a VHDX image", describe(0, "vhdxfile"));
        assertEquals("a VHD image", describe(SIZE - 512, "conectix"));
        assertEquals("a GPT partition table", describe(512, "EFI PART"));
        assertEquals("a GPT partition table", describe(4096, "EFI PART"));
        assertEquals("an MBR partition table or a boot sector", describe(510, 0x55, 0xaa));
    }

    @Test
    void theExtendedFilesystemsAreToldApart() throws IOException {
        assertEquals("an ext2 filesystem", describe(1080, 0x53, 0xef));
        int[] ext3 = new int[50];
        ext3[0] = 0x53;
        ext3[1] = 0xef;
        ext3[36] = 4;
        assertEquals("an ext3 filesystem", describe(1080, ext3));
        ext3[40] = 0x40;
        assertEquals("an ext4 filesystem", describe(1080, ext3));
    }

    @Test
    void membersOfOtherArraysAreNamed() throws IOException {
        for (int offset : new int[] {0, 4096, SIZE - 65536, SIZE - 8192}) {
            assertEquals(
                    "a member of a Linux md array",
                    describe(offset, 0xfc, 0x4e, 0x2b, 0xa9),
                    "at " + offset);
        }
        for (int label : new int[] {0, SIZE - (256 << 10)}) {
            int ring = label + (128 << 10) + 5 * 1024;
            assertEquals("a member of a ZFS pool", describe(ring, 0x0c, 0xb1, 0xba, 0));
            assertEquals("a member of a ZFS pool", describe(ring + 4, 0, 0xba, 0xb1, 0x0c));
        }
    }

    @Test
    void ourOwnMembersAreNamedWithTheirArray() throws IOException {
        for (MetadataPlace place : MetadataPlace.values()) {
            MemoryMember member = member(place, 7);
            assertEquals(
                    "a member of the raid1 array media (00112233-4455-6677-8899-aabbccddeeff)",
                    KnownContent.describe(member));
            int at = (int) MemberLayout.slots(member.sizeBytes(), place).get(0).offset();
            int other = (int) MemberLayout.slots(member.sizeBytes(), place).get(1).offset();
            member.bytes()[at + 100] ^= 1;
            member.bytes()[other + 100] ^= 1;
            String damaged = KnownContent.describe(member);
            assertTrue(damaged.contains("checksum"), damaged);
        }
    }

    /// A kill while an array was being made must not keep it from being made again.
    @Test
    void anArrayThatWasNeverFinishedIsNothing() throws IOException {
        for (MetadataPlace place : MetadataPlace.values()) {
            MemoryMember member = member(place, 0);
            assertEquals("", KnownContent.describe(member));
            int data = place == MetadataPlace.START ? member.bytes().length - 1 : 3;
            member.bytes()[data] = 1;
            assertEquals("data of an unknown kind", KnownContent.describe(member));
        }
    }

    private static MemoryMember member(MetadataPlace place, long events) throws IOException {
        Superblock base = Samples.array(1, 2, 0, place);
        List<MemberEntry> entries = new ArrayList<>();
        for (MemberEntry entry : base.members()) {
            entries.add(
                    new MemberEntry(
                            entry.member(),
                            entry.role(),
                            entry.state(),
                            0,
                            0,
                            entry.filledBytes(),
                            entry.place()));
        }
        Superblock superblock =
                new Superblock(
                        base.array(),
                        base.member(),
                        0,
                        base.areas(),
                        events,
                        base.epoch(),
                        base.history(),
                        0,
                        true,
                        0,
                        0,
                        entries);
        MemoryMember member = new MemoryMember((int) Samples.MEMBER_BYTES, 4096);
        SuperblockSlots.read(member).write(superblock);
        member.bytes()[(int) base.areas().bitmap().offset()] = 77;
        return member;
    }
}

package org.unifiedvolume.raid.superblock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.raid.superblock.MemberLayout.Wishes;

class MemberLayoutTest {
    private static final List<Wishes> WISHES =
            List.of(
                    new Wishes(false, 0, false),
                    new Wishes(true, 0, false),
                    new Wishes(true, -1, false),
                    new Wishes(false, 1 << 20, false),
                    new Wishes(true, 0, true),
                    new Wishes(true, -1, true));

    /// The checks of superblocks know what must not overlap, whatever the size.
    @Test
    void everyPlanIsOneThatASuperblockMaySay() throws SuperblockFault {
        for (MetadataPlace place : MetadataPlace.values()) {
            for (Wishes wishes : WISHES) {
                long least = MemberLayout.leastBytes(place, wishes);
                assertNull(MemberLayout.plan(least - 1, place, wishes), wishes.toString());
                for (long size = least; size > 0 && size < 1L << 60; size += size / 3 + 511) {
                    MemberAreas areas = MemberLayout.plan(size, place, wishes);
                    assertNotNull(areas, size + " " + wishes);
                    check(areas, areas.data().length(), wishes);
                    check(areas, Math.min(areas.data().length(), 1 << 20), wishes);
                }
            }
        }
    }

    private static void check(MemberAreas areas, long rows, Wishes wishes) throws SuperblockFault {
        UUID member = Samples.member(0);
        Superblock superblock =
                new Superblock(
                        new ArrayDescription(Samples.ARRAY, "a", 1, 1, 0, rows, rows, 1, 0),
                        member,
                        0,
                        areas.forRows(rows),
                        0,
                        new Epoch(1, 1),
                        List.of(),
                        0,
                        true,
                        0,
                        0,
                        List.of(new MemberEntry(member, 0, MemberState.IN_SYNC, 0, 0, rows, "")));
        new SuperblockChecks(superblock).check();
        assertEquals(wishes.bitmap(), areas.bitmap().isPresent());
        assertEquals(wishes.journalBytes() != 0, areas.journal().isPresent());
        assertEquals(wishes.checksums(), areas.checksums().isPresent());
        assertEquals(wishes.checksums(), areas.wishes().checksums());
    }

    @Test
    void regionsAreTheSameOnMembersOfAnySize() {
        long rows = 60L << 30;
        Wishes wishes = new Wishes(true, 0, false);
        MemberAreas small = MemberLayout.plan(61L << 30, MetadataPlace.START, wishes).forRows(rows);
        MemberAreas large = MemberLayout.plan(9L << 40, MetadataPlace.END, wishes).forRows(rows);
        assertEquals(1 << 20, small.regionBytes());
        assertEquals(small.regionBytes(), large.regionBytes());
        assertEquals(2 << 20, MemberLayout.regionBytes((64L << 30) + 1));
        assertEquals(1 << 20, MemberLayout.regionBytes((64L << 30) - 1));
    }

    @Test
    void checksumsTakeAThousandthOfAMember() {
        Wishes wishes = new Wishes(true, 0, true);
        for (MetadataPlace place : MetadataPlace.values()) {
            MemberAreas areas = MemberLayout.plan(1L << 40, place, wishes);
            assertTrue(areas.checksums().length() >= areas.data().length() / 4096 * 4);
            assertTrue(areas.checksums().length() <= (1L << 40) / 1000);
            assertEquals(0, areas.data().length() % 4096);
        }
    }

    @Test
    void dataBeginsOnItsGridAndTheJournalIsWithinItsBounds() {
        Wishes parity = new Wishes(true, -1, false);
        MemberAreas tiny = MemberLayout.plan(8 << 20, MetadataPlace.START, parity);
        assertEquals(0, tiny.data().offset() % (64 << 10));
        assertTrue(tiny.data().offset() < 1 << 20, tiny.toString());
        assertEquals(512 << 10, tiny.journal().length());
        assertEquals(2 << 20, journal(100L << 20));
        assertEquals(8 << 20, journal(1L << 30));
        assertEquals(256 << 20, journal(1L << 40));
        MemberAreas large = MemberLayout.plan(1L << 30, MetadataPlace.START, parity);
        assertEquals(0, large.data().offset() % (1 << 20));
        assertEquals(0, MemberLayout.plan(1L << 30, MetadataPlace.END, parity).data().offset());
    }

    private static long journal(long memberBytes) {
        return MemberLayout.plan(memberBytes, MetadataPlace.START, new Wishes(true, -1, false))
                .journal()
                .length();
    }
}

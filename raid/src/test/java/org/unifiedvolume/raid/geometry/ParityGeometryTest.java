package org.unifiedvolume.raid.geometry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import org.junit.jupiter.api.Test;

class ParityGeometryTest {
    private static final long CHUNK = 4096;
    private static final long[] WITHIN_CHUNK = {0, 1, 511, CHUNK - 1};

    /// As the manual of Linux md draws `left-symmetric`.
    @Test
    void raid5OverFourMembersIsThatOfMd() {
        assertEquals(
                """
                0 1 2 P
                4 5 P 3
                8 P 6 7
                P 9 10 11
                12 13 14 P
                16 17 P 15
                """,
                table(new ParityGeometry(4, 1, CHUNK, 6)));
    }

    @Test
    void raid5OverThreeMembersIsThatOfMd() {
        assertEquals(
                """
                0 1 P
                3 P 2
                P 4 5
                6 7 P
                """,
                table(new ParityGeometry(3, 1, CHUNK, 4)));
    }

    @Test
    void raid6OverFiveMembersIsThatOfMd() {
        assertEquals(
                """
                Q 0 1 2 P
                3 4 5 P Q
                7 8 P Q 6
                11 P Q 9 10
                P Q 12 13 14
                Q 15 16 17 P
                """,
                table(new ParityGeometry(5, 2, CHUNK, 6)));
    }

    @Test
    void raid6OverFourMembersIsThatOfMd() {
        assertEquals(
                """
                Q 0 1 P
                2 3 P Q
                5 P Q 4
                P Q 6 7
                """,
                table(new ParityGeometry(4, 2, CHUNK, 4)));
    }

    @Test
    void everyByteHasOnePlaceAndBack() {
        for (int parities = 1; parities <= 2; parities++) {
            for (int members = parities + 2; members <= 8; members++) {
                for (long chunk = CHUNK; chunk <= 4 * CHUNK; chunk *= 2) {
                    for (int stripes = 1; stripes <= 2 * members + 1; stripes++) {
                        checkPlaces(new ParityGeometry(members, parities, chunk, stripes));
                    }
                }
            }
        }
    }

    private static void checkPlaces(ParityGeometry geometry) {
        long chunk = geometry.chunkBytes();
        assertEquals(geometry.memberBytes() * geometry.dataCount(), geometry.sizeBytes());
        BitSet taken = new BitSet();
        for (long start = 0; start < geometry.sizeBytes(); start += chunk) {
            for (long within : WITHIN_CHUNK) {
                long offset = start + within;
                int member = geometry.memberAt(offset);
                long memberOffset = geometry.memberOffset(offset);
                assertEquals(offset, geometry.arrayOffset(member, memberOffset));
                long stripe = geometry.stripeAt(offset);
                assertEquals(stripe, geometry.stripeOfMember(memberOffset));
                assertEquals(memberOffset - within, geometry.startOnMembers(stripe));
                int dataIndex = geometry.dataIndexAt(offset);
                assertEquals(member, geometry.memberOfData(stripe, dataIndex));
                assertEquals(dataIndex, geometry.dataIndexOf(stripe, member));
                assertEquals(start, geometry.startOf(stripe) + dataIndex * chunk);
            }
            int place = placeOf(geometry, geometry.memberAt(start), geometry.memberOffset(start));
            assertFalse(taken.get(place), "two chunks in one place");
            taken.set(place);
        }
        for (long stripe = 0; stripe < geometry.stripeCount(); stripe++) {
            checkParity(geometry, stripe, geometry.memberOfP(stripe), taken);
            if (geometry.parityCount() == 2) {
                assertNotEquals(geometry.memberOfP(stripe), geometry.memberOfQ(stripe));
                checkParity(geometry, stripe, geometry.memberOfQ(stripe), taken);
            }
        }
        assertEquals(geometry.stripeCount() * geometry.memberCount(), taken.cardinality());
        assertEquals(taken.cardinality(), taken.length());
    }

    private static void checkParity(
            ParityGeometry geometry, long stripe, int member, BitSet taken) {
        assertEquals(-1, geometry.dataIndexOf(stripe, member));
        long start = geometry.startOnMembers(stripe);
        for (long within : WITHIN_CHUNK) {
            assertEquals(-1, geometry.arrayOffset(member, start + within));
        }
        int place = placeOf(geometry, member, start);
        assertFalse(taken.get(place), "parity where data is");
        taken.set(place);
    }

    private static int placeOf(ParityGeometry geometry, int member, long memberOffset) {
        return (int) (memberOffset / geometry.chunkBytes() * geometry.memberCount()) + member;
    }

    @Test
    void aRangeIsFullStripesOrNot() {
        ParityGeometry geometry = new ParityGeometry(5, 2, CHUNK, 9);
        long stripe = 3 * CHUNK;
        assertEquals(stripe, geometry.stripeBytes());
        assertTrue(geometry.isFullStripes(0, stripe));
        assertTrue(geometry.isFullStripes(2 * stripe, 4 * stripe));
        assertFalse(geometry.isFullStripes(CHUNK, stripe));
        assertFalse(geometry.isFullStripes(stripe, stripe - 512));
        assertFalse(geometry.isFullStripes(stripe, stripe + CHUNK));
        assertFalse(geometry.isFullStripes(stripe, 0));
        assertTrue(geometry.isWithinChunk(CHUNK - 512, 512));
        assertFalse(geometry.isWithinChunk(CHUNK - 512, 513));
    }

    @Test
    void hugeArraysAreStillExact() {
        long stripes = (Long.MAX_VALUE >> 14) / 8;
        ParityGeometry geometry = new ParityGeometry(8, 1, 1 << 14, stripes);
        long last = geometry.sizeBytes() - 1;
        assertEquals(geometry.memberBytes() - 1, geometry.memberOffset(last));
        assertEquals(
                last, geometry.arrayOffset(geometry.memberAt(last), geometry.memberOffset(last)));
        assertThrows(
                ArithmeticException.class, () -> new ParityGeometry(8, 1, 1 << 14, 2 * stripes));
    }

    @Test
    void whatCannotBeIsRefused() {
        refused(2, 1, CHUNK, 1);
        refused(3, 2, CHUNK, 1);
        refused(5, 0, CHUNK, 1);
        refused(5, 3, CHUNK, 1);
        refused(5, 1, 2048, 1);
        refused(5, 1, 3 * CHUNK, 1);
        refused(5, 1, 32 << 20, 1);
        refused(5, 1, CHUNK, 0);
        refused(258, 2, CHUNK, 1);
        assertEquals(255, new ParityGeometry(257, 2, CHUNK, 1).dataCount());
        ParityGeometry single = new ParityGeometry(3, 1, CHUNK, 1);
        assertThrows(AssertionError.class, () -> single.memberOfQ(0));
    }

    private static void refused(int members, int parities, long chunk, long stripes) {
        assertThrows(
                AssertionError.class, () -> new ParityGeometry(members, parities, chunk, stripes));
    }

    /// One line per stripe, one word per member: the number of the chunk, or the parity.
    private static String table(ParityGeometry geometry) {
        StringBuilder table = new StringBuilder();
        for (long stripe = 0; stripe < geometry.stripeCount(); stripe++) {
            for (int member = 0; member < geometry.memberCount(); member++) {
                long offset = geometry.arrayOffset(member, geometry.startOnMembers(stripe));
                if (offset >= 0) {
                    table.append(offset / geometry.chunkBytes());
                } else {
                    table.append(member == geometry.memberOfP(stripe) ? "P" : "Q");
                }
                table.append(member == geometry.memberCount() - 1 ? '\n' : ' ');
            }
        }
        return table.toString();
    }
}

package org.unifiedvolume.raid.geometry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import org.junit.jupiter.api.Test;

class NearCopiesGeometryTest {
    private static final long CHUNK = 4096;
    private static final long[] WITHIN_CHUNK = {0, 1, 511, CHUNK - 1};

    @Test
    void twoCopiesOverFourMembersAreThoseOfMd() {
        assertEquals(
                """
                0 0 1 1
                2 2 3 3
                4 4 5 5
                """,
                table(new NearCopiesGeometry(4, 2, CHUNK, 3)));
    }

    @Test
    void twoCopiesOverThreeMembersAreThoseOfMd() {
        assertEquals(
                """
                0 0 1
                1 2 2
                3 3 -
                """,
                table(new NearCopiesGeometry(3, 2, CHUNK, 3)));
    }

    @Test
    void threeCopiesOverFiveMembersAreThoseOfMd() {
        assertEquals(
                """
                0 0 0 1 1
                1 2 2 2 3
                3 3 4 4 4
                5 5 5 - -
                """,
                table(new NearCopiesGeometry(5, 3, CHUNK, 4)));
    }

    @Test
    void everyByteHasItsCopiesAndBack() {
        for (int members = 2; members <= 8; members++) {
            for (int copies = 2; copies <= members; copies++) {
                for (long chunk = CHUNK; chunk <= 4 * CHUNK; chunk *= 2) {
                    for (int rows = 1; rows <= 2 * copies + 1; rows++) {
                        checkPlaces(new NearCopiesGeometry(members, copies, chunk, rows), rows);
                    }
                }
            }
        }
    }

    private static void checkPlaces(NearCopiesGeometry geometry, int rows) {
        long chunk = geometry.chunkBytes();
        int places = rows * geometry.memberCount();
        assertEquals(places / geometry.copyCount() * chunk, geometry.sizeBytes());
        assertEquals(rows * chunk, geometry.memberBytes());
        BitSet taken = new BitSet();
        for (long start = 0; start < geometry.sizeBytes(); start += chunk) {
            BitSet members = new BitSet();
            for (int copy = 0; copy < geometry.copyCount(); copy++) {
                for (long within : WITHIN_CHUNK) {
                    int member = geometry.memberAt(start + within, copy);
                    long memberOffset = geometry.memberOffset(start + within, copy);
                    assertEquals(start + within, geometry.arrayOffset(member, memberOffset));
                    assertEquals(copy, geometry.copyOn(member, memberOffset));
                    assertTrue(memberOffset < geometry.memberBytes());
                }
                int member = geometry.memberAt(start, copy);
                members.set(member);
                long row = geometry.memberOffset(start, copy) / chunk;
                int place = (int) row * geometry.memberCount() + member;
                assertFalse(taken.get(place), "two copies in one place");
                taken.set(place);
            }
            assertEquals(geometry.copyCount(), members.cardinality(), "copies on one member");
        }
        for (int place = 0; place < places; place++) {
            if (!taken.get(place)) {
                int member = place % geometry.memberCount();
                long row = place / geometry.memberCount();
                assertEquals(-1, geometry.arrayOffset(member, row * chunk));
                assertEquals(-1, geometry.arrayOffset(member, row * chunk + chunk - 1));
            }
        }
    }

    @Test
    void aRangeIsWithinAChunkOrNot() {
        NearCopiesGeometry geometry = new NearCopiesGeometry(3, 2, CHUNK, 3);
        assertEquals(1, geometry.chunkAt(CHUNK));
        assertTrue(geometry.isWithinChunk(CHUNK, CHUNK));
        assertFalse(geometry.isWithinChunk(CHUNK + 1, CHUNK));
    }

    @Test
    void hugeArraysAreStillExact() {
        long rows = (Long.MAX_VALUE >> 12) / 3;
        NearCopiesGeometry geometry = new NearCopiesGeometry(3, 2, CHUNK, rows);
        long last = geometry.sizeBytes() - 1;
        for (int copy = 0; copy < 2; copy++) {
            int member = geometry.memberAt(last, copy);
            assertEquals(last, geometry.arrayOffset(member, geometry.memberOffset(last, copy)));
        }
        assertThrows(
                ArithmeticException.class, () -> new NearCopiesGeometry(3, 2, CHUNK, 2 * rows));
    }

    @Test
    void whatCannotBeIsRefused() {
        refused(1, 2, CHUNK, 1);
        refused(3, 1, CHUNK, 1);
        refused(3, 4, CHUNK, 1);
        refused(3, 2, 2048, 1);
        refused(3, 2, CHUNK + 512, 1);
        refused(3, 2, 32 << 20, 1);
        refused(3, 2, CHUNK, 0);
    }

    private static void refused(int members, int copies, long chunk, long rows) {
        assertThrows(
                AssertionError.class, () -> new NearCopiesGeometry(members, copies, chunk, rows));
    }

    /// One line per row, one word per member: the number of the chunk, or a dash.
    private static String table(NearCopiesGeometry geometry) {
        StringBuilder table = new StringBuilder();
        for (long at = 0; at < geometry.memberBytes(); at += geometry.chunkBytes()) {
            for (int member = 0; member < geometry.memberCount(); member++) {
                long offset = geometry.arrayOffset(member, at);
                table.append(offset < 0 ? "-" : Long.toString(offset / geometry.chunkBytes()));
                table.append(member == geometry.memberCount() - 1 ? '\n' : ' ');
            }
        }
        return table.toString();
    }
}

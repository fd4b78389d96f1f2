package org.unifiedvolume.raid.spread;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

/// Windows of a reshape, against a model of every small geometry: chunks on members, of which any
/// part of a window may be in its new place when the power goes.
class ReshapeWindowTest {
    private static final int MOST_ROWS = 9;

    @Test
    void noWindowOverwritesWhatIsNotWrittenDownAsMoved() {
        for (int before = 1; before <= 6; before++) {
            for (int added = 1; added <= 4; added++) {
                for (int rows = 1; rows <= MOST_ROWS; rows++) {
                    for (int most : new int[] {1, 3, 1000}) {
                        sweep(before, before + added, rows, most);
                    }
                }
            }
        }
    }

    private static void sweep(int before, int after, int rows, int most) {
        String geometry = "%d members to %d, %d rows".formatted(before, after, rows);
        int chunks = before * rows;
        int[][] members = new int[after][rows];
        for (int[] member : members) {
            Arrays.fill(member, -1);
        }
        for (int chunk = 0; chunk < chunks; chunk++) {
            members[chunk % before][chunk / before] = chunk;
        }
        int moved = 0;
        int windows = 0;
        while (moved < chunks) {
            int end = (int) Math.min(chunks, ReshapeJob.windowEnd(moved, before, after, most));
            assertTrue(end > moved, geometry + ": no room at " + moved);
            assertTrue(end - moved <= most, geometry);
            for (int chunk = moved; chunk < end; chunk++) {
                members[chunk % after][chunk / after] = members[chunk % before][chunk / before];
                // The power may go after each of them: the old places still count.
                for (int other = moved; other < chunks; other++) {
                    assertEquals(other, members[other % before][other / before], geometry);
                }
            }
            moved = end;
            windows++;
            for (int chunk = 0; chunk < moved; chunk++) {
                assertEquals(chunk, members[chunk % after][chunk / after], geometry);
            }
        }
        if (most == 1000) {
            // Windows grow with what has moved: their number grows with the logarithm of the rows.
            double factor = 1 + (after - before) / (double) after;
            double expected = Math.log(chunks) / Math.log(factor) + after + 2;
            assertTrue(windows <= expected, geometry + ": " + windows + " windows");
        }
    }
}

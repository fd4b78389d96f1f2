package org.unifiedvolume.raid.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.raid.superblock.MetadataPlace;

/// A job of a mirror works on long windows while nobody asks for anything, and on short ones while
/// clients are busy, who would wait for them.
class JobWindowsTest {
    private static final int BLOCKS = 4000;
    private static final int IDLE_WINDOW = 256;
    private static final long BUSY_WINDOW_BYTES = 256 << 10;

    private long longest;
    private int longOnes;

    private MembersLab lab() throws IOException {
        MembersLab lab =
                new MembersLab(2, MetadataPlace.START, BLOCKS, BLOCKS, BLOCKS)
                        .idlingBy(IDLE_WINDOW)
                        .start();
        for (int block = 0; block < BLOCKS; block++) {
            lab.write(block, 1 + block % 100);
        }
        lab.array().setLegs(3, List.of(lab.member(2, this::note)), List.of(), false);
        return lab;
    }

    private void note(long lengthBytes) {
        longest = Math.max(longest, lengthBytes);
        longOnes += lengthBytes > BUSY_WINDOW_BYTES ? 1 : 0;
    }

    @Test
    void theyAreLongWhileNobodyAsks() throws IOException {
        try (MembersLab lab = lab()) {
            assertTrue(lab.comesOnline());
            assertEquals((long) IDLE_WINDOW * MembersLab.BLOCK_BYTES, longest);
            lab.array().fail("disk0");
            lab.array().fail("disk1");
            lab.verify();
        }
    }

    @Test
    void theyAreShortWhileClientsAreBusy() throws IOException {
        try (MembersLab lab = lab()) {
            lab.write(0, 1); // whoever began before has seen nobody
            int before = longOnes;
            for (int i = 0; i < 400 && lab.runSteps(1); i++) {
                lab.write(i % BLOCKS, 7);
            }
            assertTrue(longOnes - before <= 4, longOnes + " long windows");
            assertTrue(lab.comesOnline());
            lab.verify();
        }
    }
}

package org.unifiedvolume.raid.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.superblock.MetadataPlace;

/// An array with parity uses more of its members: the new stripes have right parity, whatever is
/// killed or lost meanwhile, or it is as large as before.
class GrowParityTest {
    private static final int LEG_BLOCKS = 64;
    private static final int MORE = 400;
    private static final int DATA_LEGS = 2;

    private static MembersLab lab(int parities, MetadataPlace place) throws IOException {
        int legs = DATA_LEGS + parities;
        int[] blocks = new int[legs];
        java.util.Arrays.fill(blocks, MORE);
        blocks[1] += 8;
        MembersLab lab = new MembersLab(parities, legs, place, blocks).using(LEG_BLOCKS).start();
        for (int block = 0; block < DATA_LEGS * LEG_BLOCKS; block += 5) {
            lab.write(block, block);
        }
        return lab;
    }

    private static int blocks(MembersLab lab) {
        return (int) (lab.array().shape().sizeBytes() / MembersLab.BLOCK_BYTES);
    }

    /// As many legs as can be are lost, another set each time.
    private static void loseSome(MembersLab lab, int parities, int round) throws IOException {
        for (int i = 0; i < parities; i++) {
            lab.array().fail("disk" + (round + i) % (DATA_LEGS + parities));
        }
    }

    @ParameterizedTest
    @CsvSource({"1,START", "1,END", "2,START", "2,END"})
    void theNewStripesHaveParity(int parities, MetadataPlace place) throws IOException {
        MembersLab lab = lab(parities, place);
        assertEquals(DATA_LEGS * LEG_BLOCKS, blocks(lab));

        long size = lab.array().grow(0);

        assertTrue(size >= (long) DATA_LEGS * MORE * MembersLab.BLOCK_BYTES, size + " bytes");
        assertEquals(size, lab.array().shape().sizeBytes());
        assertEquals(State.RESYNCING, lab.array().status().state());
        lab.write(blocks(lab) - 1, 77);
        lab.write(DATA_LEGS * LEG_BLOCKS, 78);
        loseSome(lab, parities, 0);
        lab.verify();
        for (int i = 0; i < parities; i++) {
            lab.array().readd("disk" + i, false);
        }
        assertTrue(lab.comesOnline());
        lab.array().close();
        lab.start();
        assertEquals(size, lab.array().shape().sizeBytes());
        assertEquals(State.ONLINE, lab.array().status().state());
        loseSome(lab, parities, 1);
        lab.verify();
        lab.close();
    }

    @Test
    void aSizeIsRoundedUpToStripes() throws IOException {
        try (MembersLab lab = lab(1, MetadataPlace.START)) {
            long wanted = (DATA_LEGS * 100L + 1) * MembersLab.BLOCK_BYTES;
            assertEquals(DATA_LEGS * 102L * MembersLab.BLOCK_BYTES, lab.array().grow(wanted));
            refuses(lab, 0, "being compared");
            assertTrue(lab.comesOnline());
            refuses(lab, wanted, "do not shrink");
            refuses(lab, 1L << 40, "has room for");
            refuses(lab, Long.MAX_VALUE, "has room for");
            lab.array().fail("disk2");
            refuses(lab, 0, "disk2 is not in sync");
            lab.verify();
        }
    }

    private static void refuses(MembersLab lab, long sizeBytes, String words) {
        IOException refusal = assertThrows(IOException.class, () -> lab.array().grow(sizeBytes));
        assertTrue(refusal.getMessage().contains(words), refusal.getMessage());
    }

    @ParameterizedTest
    @CsvSource({"1,START", "1,END", "2,START"})
    void aKillAtAnyStepLeavesItAsItWasOrGrown(int parities, MetadataPlace place)
            throws IOException {
        Set<Boolean> outcomes = new HashSet<>();
        int before = DATA_LEGS * LEG_BLOCKS;
        int afterwards = 0;
        for (int steps = 0; afterwards < 8; steps += 1 + steps / 24) {
            MembersLab lab = lab(parities, place);
            lab.begin(() -> lab.array().grow(0));
            for (int i = 0; i < steps; i++) {
                lab.rig().time.step();
            }
            boolean hasGrown = blocks(lab) > before;
            afterwards += hasGrown ? 1 : 0;
            if (hasGrown) {
                lab.write(blocks(lab) - 3, 11);
            }
            lab.kill();
            lab.start();
            lab.verify();
            boolean isGrown = blocks(lab) > before;
            outcomes.add(isGrown);
            assertTrue(isGrown || !hasGrown, "after " + steps + " steps");
            assertTrue(lab.comesOnline());
            if (!isGrown) {
                lab.array().grow(0);
                assertTrue(lab.comesOnline());
            }
            lab.write(blocks(lab) - 2, 12);
            loseSome(lab, parities, steps);
            lab.verify();
            lab.close();
        }
        assertEquals(Set.of(true, false), outcomes);
    }
}

package org.unifiedvolume.raid.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.superblock.MetadataPlace;

/// An array uses more of its members on demand: all of them have the new space and agree on it, or
/// it is as large as before, whatever is killed meanwhile.
class GrowTest {
    private static final int BLOCKS = 64;
    private static final int MORE = 400; // more regions than before

    private static MembersLab lab(MetadataPlace place) throws IOException {
        MembersLab lab = new MembersLab(2, place, MORE, MORE + 8, MORE).using(BLOCKS).start();
        for (int block = 0; block < BLOCKS; block += 5) {
            lab.write(block, block);
        }
        return lab;
    }

    private static long blocks(MembersLab lab) {
        return lab.array().shape().sizeBytes() / MembersLab.BLOCK_BYTES;
    }

    private static void refuses(MembersLab lab, long sizeBytes, String words) {
        IOException refusal = assertThrows(IOException.class, () -> lab.array().grow(sizeBytes));
        assertTrue(refusal.getMessage().contains(words), refusal.getMessage());
    }

    @ParameterizedTest
    @EnumSource(MetadataPlace.class)
    void theNewSpaceIsOnAllLegs(MetadataPlace place) throws IOException {
        MembersLab lab = lab(place);
        assertEquals(BLOCKS, blocks(lab));

        long size = lab.array().grow(0);

        assertTrue(size >= (long) MORE * MembersLab.BLOCK_BYTES, size + " bytes");
        assertEquals(size, lab.array().shape().sizeBytes());
        assertEquals(State.RESYNCING, lab.array().status().state());
        int last = (int) blocks(lab) - 1;
        lab.write(last, 77);
        lab.write(BLOCKS, 78);
        assertTrue(lab.comesOnline());
        lab.array().close();
        lab.start();
        assertEquals(size, lab.array().shape().sizeBytes());
        assertEquals(State.ONLINE, lab.array().status().state());
        lab.array().fail("disk0");
        lab.verify();
        lab.close();
    }

    @Test
    void itGrowsToASizeAndThenToMore() throws IOException {
        try (MembersLab lab = lab(MetadataPlace.START)) {
            long half = MORE / 2L * MembersLab.BLOCK_BYTES;
            assertEquals(half, lab.array().grow(half));
            refuses(lab, 0, "being compared");
            assertTrue(lab.comesOnline());
            refuses(lab, half, "do not shrink");
            refuses(lab, MembersLab.BLOCK_BYTES, "do not shrink");
            refuses(lab, 1L << 40, "has room for");
            refuses(lab, Long.MAX_VALUE, "has room for");
            assertEquals(half, lab.array().shape().sizeBytes());
            lab.array().grow(0);
            assertTrue(lab.comesOnline());
            refuses(lab, 0, "no more room");
            lab.verify();
        }
    }

    @Test
    void itDoesNotGrowWhileALegIsAway() throws IOException {
        try (MembersLab lab = lab(MetadataPlace.START)) {
            lab.array().fail("disk1");
            refuses(lab, 0, "disk1 is not in sync");
            lab.array().readd("disk1", false);
            assertTrue(lab.comesOnline());
            lab.array().replace("disk1", lab.member(2), false);
            refuses(lab, 0, "being replaced");
        }
    }

    @Test
    void aSpareTakesARoleOfWhatHasGrown() throws IOException {
        MembersLab lab = lab(MetadataPlace.START);
        lab.array().add(lab.member(2), false);
        lab.array().grow(0);
        assertTrue(lab.comesOnline());
        lab.write(MORE - 1, 99);
        lab.array().fail("disk1");
        assertTrue(lab.comesOnline());
        lab.array().close();
        try (lab) {
            lab.start(2);
            assertEquals(State.ONLINE, lab.array().status().state());
            lab.array().fail("disk0");
            lab.verify();
        }
    }

    @ParameterizedTest
    @EnumSource(MetadataPlace.class)
    void aKillAtAnyStepLeavesItAsItWasOrGrown(MetadataPlace place) throws IOException {
        Set<Boolean> outcomes = new HashSet<>();
        int afterwards = 0;
        for (int steps = 0; afterwards < 12; steps += 1 + steps / 32) {
            MembersLab lab = lab(place);
            lab.begin(() -> lab.array().grow(0));
            for (int i = 0; i < steps; i++) {
                lab.rig().time.step();
            }
            boolean hasGrown = blocks(lab) > BLOCKS;
            afterwards += hasGrown ? 1 : 0;
            if (hasGrown) {
                lab.write(MORE - 3, 11);
            }
            lab.kill();
            lab.start();
            lab.verify();
            boolean isGrown = blocks(lab) > BLOCKS;
            outcomes.add(isGrown);
            assertTrue(isGrown || !hasGrown, "after " + steps + " steps");
            assertTrue(lab.comesOnline());
            if (!isGrown) {
                lab.array().grow(0);
                assertTrue(lab.comesOnline());
            }
            lab.write(MORE - 2, 12);
            lab.array().fail(steps % 2 == 0 ? "disk0" : "disk1");
            lab.verify();
            lab.close();
        }
        assertEquals(Set.of(true, false), outcomes);
    }
}

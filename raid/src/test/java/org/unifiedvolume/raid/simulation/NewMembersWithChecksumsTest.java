package org.unifiedvolume.raid.simulation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.raid.superblock.MetadataPlace;

/// A member that held something else before it was taken in: from the moment when it counts,
/// checksums tell of all that it holds, also where nobody has ever written.
class NewMembersWithChecksumsTest {
    private static final int BLOCKS = 160;
    private static final int ROTTEN = 40;
    private static final int BLOCK_BYTES = VolumeSimulation.BLOCK_BYTES;

    private static MembersLab lab() throws IOException {
        MembersLab lab =
                new MembersLab(2, MetadataPlace.START, BLOCKS, BLOCKS, BLOCKS)
                        .withChecksums()
                        .start();
        for (int block = 0; block < BLOCKS / 2; block += 3) {
            lab.write(block, block + 1);
        }
        // One bit is enough for nothing to be known of all the zeroes around it.
        lab.disk(2).rot(lab.disk(2).size().sizeBytes() / 2);
        return lab;
    }

    @Test
    void rotOfAnAddedMemberIsFound() throws IOException {
        try (MembersLab lab = lab()) {
            lab.array().fail("disk1");
            lab.array().remove("disk1");
            lab.array().add(lab.member(2), true);
            assertTrue(lab.comesOnline());
            checkRotIsFound(lab);
        }
    }

    @Test
    void rotOfAReplacementIsFound() throws IOException {
        try (MembersLab lab = lab()) {
            lab.array().replace("disk1", lab.member(2), true);
            for (int i = 0; i < 100_000 && lab.children().size() > 2; i++) {
                assertTrue(lab.rig().time.step());
            }
            assertEquals(List.of("disk0", "disk2"), lab.legNames());
            checkRotIsFound(lab);
        }
    }

    /// Nothing was written to the last blocks of the array.
    private static void checkRotIsFound(MembersLab lab) throws IOException {
        long end = lab.disk(2).size().sizeBytes();
        for (int i = 1; i <= ROTTEN; i++) {
            lab.disk(2).rot(end - (long) i * BLOCK_BYTES);
        }

        lab.array().scrub(true, 0);
        lab.sleep(10_000_000_000L);

        Map<?, ?> leg = (Map<?, ?>) ((List<?>) lab.array().detail().get("legs")).get(1);
        assertEquals((long) ROTTEN, leg.get("checksum-errors"));
        lab.array().fail("disk0");
        long size = lab.array().shape().sizeBytes();
        int length = ROTTEN * BLOCK_BYTES;
        assertArrayEquals(new byte[length], lab.rig().read(lab.array(), size - length, length));
        lab.verify();
    }
}

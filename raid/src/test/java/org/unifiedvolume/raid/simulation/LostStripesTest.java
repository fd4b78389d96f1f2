package org.unifiedvolume.raid.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.unifiedvolume.raid.geometry.ParityGeometry;
import org.unifiedvolume.raid.superblock.MetadataPlace;

/// RAID 5 and 6 of which more legs fail to read a row than parity stands for: the rest is made
/// redundant again, the row is an error on all legs until it is written, and nothing is computed
/// from what is not known.
class LostStripesTest {
    private static final int BLOCKS = 48;
    private static final int CHUNK_BLOCKS = 2;

    private static ParityGeometry geometry(int parities, int legs) {
        return new ParityGeometry(
                legs,
                parities,
                (long) CHUNK_BLOCKS * MembersLab.BLOCK_BYTES,
                BLOCKS / CHUNK_BLOCKS);
    }

    private static MembersLab lab(int parities, int legs) throws IOException {
        int[] room = new int[legs + 2];
        Arrays.fill(room, BLOCKS);
        MembersLab lab = new MembersLab(parities, legs, MetadataPlace.END, room).start();
        int blocks = (int) (lab.array().shape().sizeBytes() / MembersLab.BLOCK_BYTES);
        for (int block = 0; block < blocks; block++) {
            lab.write(block, block + 1);
        }
        lab.flush();
        return lab;
    }

    private static void becomeOnline(MembersLab lab) {
        assertTrue(lab.comesOnline(), () -> lab.array().status().toString());
        lab.sleep(1_000_000_000L);
    }

    private static long lostBytes(MembersLab lab, int role) {
        return (Long) badBlocks(lab, role).get("bytes");
    }

    private static Map<?, ?> badBlocks(MembersLab lab, int role) {
        List<?> legs = (List<?>) lab.array().detail().get("legs");
        return (Map<?, ?>) ((Map<?, ?>) legs.get(role)).get("bad-blocks");
    }

    /// Which blocks of the array are lost if some roles have lost a row.
    private static Set<Integer> lost(ParityGeometry geometry, int rowBlock, int... roles) {
        Set<Integer> lost = new TreeSet<>();
        for (int role : roles) {
            long offset = geometry.arrayOffset(role, (long) rowBlock * MembersLab.BLOCK_BYTES);
            if (offset >= 0) {
                lost.add((int) (offset / MembersLab.BLOCK_BYTES));
            }
        }
        return lost;
    }

    /// The leg that is filled holds data in some stripes, and each parity in others; and so do
    /// those that cannot be read.
    @ParameterizedTest
    @CsvSource({"1, 3, 0", "1, 4, 3", "1, 4, 9", "2, 4, 2", "2, 5, 7"})
    void aRebuildGoesOnPastWhatCannotBeComputed(int parities, int legs, int firstStripe)
            throws IOException {
        ParityGeometry geometry = geometry(parities, legs);
        try (MembersLab lab = lab(parities, legs)) {
            lab.array().fail("disk1");
            Set<Integer> lost = new TreeSet<>();
            int[] bad = parities == 1 ? new int[] {0, 1} : new int[] {0, 1, 2};
            for (int stripe = firstStripe; stripe < firstStripe + legs; stripe++) {
                int rowBlock = stripe * CHUNK_BLOCKS + stripe % 2;
                for (int role : bad) {
                    if (role != 1) {
                        lab.disk(role).spoil((long) rowBlock * MembersLab.BLOCK_BYTES);
                    }
                }
                lost.addAll(lost(geometry, rowBlock, bad));
            }
            lab.array().replace("disk1", lab.member(1), true); // holds what was there before
            becomeOnline(lab);

            assertEquals((long) legs * MembersLab.BLOCK_BYTES, lostBytes(lab, 1));
            lost.forEach(lab::assertLost);
            lab.verify();
            lab.powerCut();
            lab.start();
            lost.forEach(lab::assertLost);
            lab.verify();
            becomeOnline(lab);

            int stripeBlocks = CHUNK_BLOCKS * (legs - parities);
            for (int stripe = firstStripe; stripe < firstStripe + legs; stripe++) {
                lab.writeAll(stripe * stripeBlocks, stripeBlocks, 7 + stripe);
            }
            becomeOnline(lab);
            lab.verify();
            assertEquals(0, lostBytes(lab, 1));
            lab.array().fail("disk0");
            lab.verify();
        }
    }

    @Test
    void whatASpareLegHasTooIsNotLost() throws IOException {
        try (MembersLab lab = lab(2, 5)) {
            lab.array().fail("disk1");
            int[] others = {0, 2, 3, 4};
            for (int block = 0; block < BLOCKS; block += 5) {
                lab.disk(others[block % 4]).spoil((long) block * MembersLab.BLOCK_BYTES);
            }
            lab.array().replace("disk1", lab.member(5), false);
            becomeOnline(lab);
            assertEquals(0, lostBytes(lab, 1));
            lab.verify();
            lab.array().fail("disk0");
            lab.array().fail("disk2");
            lab.verify();
        }
    }

    /// The disk's error is gone the next time: what was lost on the other leg is computed.
    @Test
    void whatCanBeReadAgainMendsTheOthers() throws IOException {
        try (MembersLab lab = lab(1, 3)) {
            lab.array().fail("disk1");
            lab.disk(0).spoil(5L * MembersLab.BLOCK_BYTES);
            lab.array().replace("disk1", lab.member(3), false);
            becomeOnline(lab);
            assertEquals(MembersLab.BLOCK_BYTES, lostBytes(lab, 1));
            lab.disk(0).mend();
            lab.array().scrub(true, 0);
            lab.sleep(5_000_000_000L);
            assertEquals(0, lostBytes(lab, 1));
            lab.verify();
            lab.array().fail("disk0");
            lab.verify();
        }
    }

    @Test
    void aReplacementLacksWhatTheOldOneLacked() throws IOException {
        try (MembersLab lab = lab(1, 3)) {
            ParityGeometry geometry = geometry(1, 3);
            lab.array().fail("disk1");
            lab.disk(0).spoil(5L * MembersLab.BLOCK_BYTES);
            lab.array().replace("disk1", lab.member(3), false);
            becomeOnline(lab);
            lab.array().replace("disk3", lab.member(4), false);
            for (int i = 0; i < 100_000 && lab.children().size() > 3; i++) {
                lab.rig().time.step();
            }
            assertEquals(List.of("disk0", "disk4", "disk2"), lab.legNames());
            becomeOnline(lab);
            assertEquals(MembersLab.BLOCK_BYTES, lostBytes(lab, 1));
            lost(geometry, 5, 0, 1).forEach(lab::assertLost);
            lab.verify();
        }
    }

    @Test
    void aReshapeDoesNotBeginWhileSomethingIsLost() throws IOException {
        try (MembersLab lab = lab(1, 3)) {
            lab.array().fail("disk1");
            lab.disk(0).spoil(5L * MembersLab.BLOCK_BYTES);
            lab.array().replace("disk1", lab.member(3), false);
            becomeOnline(lab);
            IOException refused =
                    assertThrows(
                            IOException.class,
                            () -> lab.array().extend(List.of(lab.member(4)), false, 0));
            assertTrue(refused.getMessage().contains("disk3 lacks 4 KiB"), refused.getMessage());
        }
    }

    @Test
    void detailSaysWhatIsLost() throws IOException {
        try (MembersLab lab = lab(1, 3)) {
            ParityGeometry geometry = geometry(1, 3);
            lab.array().fail("disk1");
            int parityRow = 0;
            while (geometry.arrayOffset(1, (long) parityRow * MembersLab.BLOCK_BYTES) >= 0) {
                parityRow += CHUNK_BLOCKS;
            }
            int dataRow = parityRow + CHUNK_BLOCKS;
            lab.disk(0).spoil((long) parityRow * MembersLab.BLOCK_BYTES);
            lab.disk(0).spoil((long) dataRow * MembersLab.BLOCK_BYTES);
            lab.array().replace("disk1", lab.member(3), false);
            becomeOnline(lab);

            List<?> ranges = (List<?>) badBlocks(lab, 1).get("ranges");
            assertEquals(2, ranges.size());
            assertEquals("parity", ((Map<?, ?>) ranges.get(0)).get("holds"));
            assertEquals(
                    geometry.arrayOffset(1, (long) dataRow * MembersLab.BLOCK_BYTES),
                    ((Map<?, ?>) ranges.get(1)).get("offset"));
            assertTrue(lab.status("disk3").reason().contains("8 KiB lost"));
        }
    }
}

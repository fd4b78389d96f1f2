package org.unifiedvolume.raid.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.superblock.MetadataPlace;

/// Mirrors whose last good copy of a block cannot be read: the rest is made redundant again, and
/// the block is an error on all legs until it is written.
class LostBlocksTest {
    private static final int BLOCKS = 160;
    private static final int BAD = 70;

    /// All blocks hold their number. Data begin where disks do.
    private static MembersLab lab(int legs) throws IOException {
        int[] room = new int[legs + 1];
        Arrays.fill(room, BLOCKS);
        return filled(new MembersLab(legs, MetadataPlace.END, room));
    }

    private static MembersLab filled(MembersLab lab) throws IOException {
        lab.start();
        int blocks = (int) (lab.array().shape().sizeBytes() / MembersLab.BLOCK_BYTES);
        for (int block = 0; block < blocks; block++) {
            lab.write(block, block + 1);
        }
        lab.flush();
        return lab;
    }

    private static void spoil(MembersLab lab, int disk, int block) {
        lab.disk(disk).spoil((long) block * MembersLab.BLOCK_BYTES);
    }

    private static long lostBytes(MembersLab lab, int role) {
        List<?> legs = (List<?>) lab.array().detail().get("legs");
        Map<?, ?> bad = (Map<?, ?>) ((Map<?, ?>) legs.get(role)).get("bad-blocks");
        return (Long) bad.get("bytes");
    }

    private static void becomeOnline(MembersLab lab) {
        assertTrue(lab.comesOnline(), () -> lab.array().status().toString());
        lab.sleep(1_000_000_000L);
    }

    @Test
    void aRebuildGoesOnPastWhatNobodyHas() throws IOException {
        try (MembersLab lab = lab(2)) {
            lab.array().fail("disk1");
            spoil(lab, 0, BAD);
            spoil(lab, 0, BAD + 2);
            lab.array().replace("disk1", lab.member(2), false);
            becomeOnline(lab);

            assertEquals(2 * MembersLab.BLOCK_BYTES, lostBytes(lab, 1));
            lab.assertLost(BAD);
            lab.assertLost(BAD + 2);
            lab.verify();
            lab.array().fail("disk0");
            lab.assertLost(BAD);
            lab.verify();
        }
    }

    @Test
    void whatIsWrittenAgainIsOnAllLegs() throws IOException {
        try (MembersLab lab = lab(2)) {
            lab.array().fail("disk1");
            spoil(lab, 0, BAD);
            lab.array().replace("disk1", lab.member(2), false);
            becomeOnline(lab);
            lab.assertLost(BAD);
            lab.write(BAD, 200);

            assertEquals(0, lostBytes(lab, 1));
            lab.verify();
            lab.array().fail("disk0");
            lab.verify();
        }
    }

    @Test
    void anUnreadableBlockThatCanBeReadAgainMendsTheOthers() throws IOException {
        try (MembersLab lab = lab(2)) {
            lab.array().fail("disk1");
            spoil(lab, 0, BAD);
            lab.array().replace("disk1", lab.member(2), false);
            becomeOnline(lab);
            assertEquals(MembersLab.BLOCK_BYTES, lostBytes(lab, 1));
            lab.disk(0).mend();
            lab.array().scrub(true, 0);
            lab.sleep(5_000_000_000L);

            assertEquals(0, lostBytes(lab, 1));
            lab.array().fail("disk0");
            lab.verify();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theNextStartKnowsIt(boolean isPowerCut) throws IOException {
        try (MembersLab lab = lab(2)) {
            lab.array().fail("disk1");
            spoil(lab, 0, BAD);
            lab.array().replace("disk1", lab.member(2), false);
            becomeOnline(lab);
            lab.array().remove("disk0");
            if (isPowerCut) {
                lab.powerCut();
            } else {
                lab.array().close();
                lab.kill();
            }
            lab.writing(3).start("", List.of(0, 1));
            lab.assertLost(BAD);
            lab.verify();
            assertEquals(MembersLab.BLOCK_BYTES, lostBytes(lab, lab.legNames().indexOf("disk2")));
        }
    }

    /// A leg that is filled from one that has lost something has lost it too: it does not hold
    /// zeroes there, nor what it held before.
    @Test
    void aLossIsCopiedAsALoss() throws IOException {
        try (MembersLab lab = lab(2)) {
            lab.array().fail("disk1");
            spoil(lab, 0, BAD);
            lab.array().replace("disk1", lab.member(2), false);
            becomeOnline(lab);
            lab.array().replace("disk0", lab.member(1), true); // holds what was there before
            for (int i = 0; i < 100_000 && lab.children().size() > 2; i++) {
                lab.rig().time.step();
            }
            assertEquals(List.of("disk1", "disk2"), lab.legNames());
            becomeOnline(lab);

            assertEquals(MembersLab.BLOCK_BYTES, lostBytes(lab, 0));
            assertEquals(MembersLab.BLOCK_BYTES, lostBytes(lab, 1));
            lab.assertLost(BAD);
            lab.verify();
            lab.array().fail("disk2");
            lab.assertLost(BAD);
            lab.verify();
        }
    }

    /// After a crash two legs may hold different bytes that can both be read again some day.
    @Test
    void aResyncLeavesOneLegThatMayHaveWhatNobodyCanRead() throws IOException {
        try (MembersLab lab = lab(3)) {
            lab.write(BAD, 200);
            lab.powerCut();
            for (int disk = 0; disk < 3; disk++) {
                spoil(lab, disk, BAD);
            }
            lab.start();
            becomeOnline(lab);
            lab.assertLost(BAD);
            long lost = lostBytes(lab, 0) + lostBytes(lab, 1) + lostBytes(lab, 2);
            assertEquals(2 * MembersLab.BLOCK_BYTES, lost);
            lab.verify();
        }
    }

    @Test
    void aScrubThatOnlyLooksMarksNothing() throws IOException {
        try (MembersLab lab = lab(2)) {
            spoil(lab, 0, BAD);
            spoil(lab, 1, BAD);
            lab.array().scrub(false, 0);
            lab.sleep(5_000_000_000L);
            assertEquals(0, lostBytes(lab, 0) + lostBytes(lab, 1));
            assertEquals((long) MembersLab.BLOCK_BYTES, wrongBytes(lab));
            lab.array().scrub(true, 0);
            lab.sleep(5_000_000_000L);
            assertEquals(MembersLab.BLOCK_BYTES, lostBytes(lab, 0) + lostBytes(lab, 1));
            lab.array().scrub(false, 0);
            lab.sleep(5_000_000_000L);
            assertEquals(0L, wrongBytes(lab));
        }
    }

    private static Object wrongBytes(MembersLab lab) {
        return ((List<?>) lab.array().detail().get("jobs"))
                .stream()
                        .map(job -> (Map<?, ?>) job)
                        .filter(job -> job.get("name").equals("scrub"))
                        .findAny()
                        .orElseThrow()
                        .get("wrong");
    }

    @Test
    void aRaid10GoesOnToo() throws IOException {
        int[] room = new int[5];
        Arrays.fill(room, BLOCKS);
        MembersLab made = new MembersLab(4, MetadataPlace.END, room).inCopies(2);
        try (MembersLab lab = filled(made)) {
            lab.array().fail("disk1");
            spoil(lab, 0, BAD); // its copy is on disk 1
            lab.array().replace("disk1", lab.member(4), false);
            becomeOnline(lab);
            assertEquals(MembersLab.BLOCK_BYTES, lostBytes(lab, 1));
            int chunks = BAD / 2;
            int lost = chunks * 4 + BAD % 2; // 2 sets of legs, chunks of two blocks
            lab.assertLost(lost);
            lab.verify();
            lab.array().fail("disk0");
            lab.assertLost(lost);
            lab.write(lost, 100);
            lab.verify();
        }
    }

    @Test
    void aLegWhoseListIsDamagedIsFilledAnew() throws IOException {
        try (MembersLab lab = lab(2)) {
            lab.array().close();
            lab.kill();
            damageList(lab, 1);
            lab.start();
            assertEquals(State.DEGRADED, lab.array().status().state());
            becomeOnline(lab);
            lab.array().fail("disk0");
            lab.verify();
        }
    }

    @Test
    void aLegWhoseListIsDamagedIsNotEnough() throws IOException {
        try (MembersLab lab = lab(2)) {
            lab.array().close();
            lab.kill();
            damageList(lab, 0);
            damageList(lab, 1);
            IOException refused = assertThrows(IOException.class, lab::start);
            assertTrue(refused.getMessage().contains("bad-block list"), refused.getMessage());
            assertTrue(refused.getMessage().contains("force: true"), refused.getMessage());
        }
    }

    private static void damageList(MembersLab lab, int disk) throws IOException {
        lab.disk(disk).spoil(lab.listOffset(disk));
    }
}

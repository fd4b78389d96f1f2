package org.unifiedvolume.raid.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.superblock.MetadataPlace;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.testkit.SimulatedDisk.Faults;

/// A member of an array with parity that is replaced serves until the new one is complete: the
/// array can lose as many as ever meanwhile, and the journal is where it has to be afterwards.
class ReplaceParityTest {
    private static final int LEG_BLOCKS = 120;
    private static final int DATA_LEGS = 2;
    private static final int BLOCKS = DATA_LEGS * LEG_BLOCKS;

    private final List<String> lost = new ArrayList<>();

    private static MembersLab lab(int parities, MetadataPlace place, int moreOnNew)
            throws IOException {
        int[] blocks = new int[DATA_LEGS + parities + 1];
        java.util.Arrays.fill(blocks, LEG_BLOCKS);
        blocks[DATA_LEGS + parities] += moreOnNew;
        MembersLab lab = new MembersLab(parities, DATA_LEGS + parities, place, blocks).start();
        for (int block = 0; block < BLOCKS; block += 3) {
            lab.write(block, block);
        }
        return lab;
    }

    private static String newName(int parities) {
        return "disk" + (DATA_LEGS + parities);
    }

    private static void replace(MembersLab lab, int parities) throws IOException {
        lab.array().replace("disk1", lab.member(DATA_LEGS + parities), false);
    }

    private static void finish(MembersLab lab, int parities) {
        int legs = DATA_LEGS + parities;
        for (int i = 0; i < 200_000 && lab.children().size() > legs; i++) {
            assertTrue(lab.rig().time.step());
        }
        assertEquals(legs, lab.children().size(), () -> lab.children().toString());
    }

    /// All that can be lost but for the new one.
    private void loseOthers(MembersLab lab, int parities) throws IOException {
        for (String name : lab.legNames()) {
            if (lost.size() < parities && !name.equals(newName(parities))) {
                lab.array().fail(name);
                lost.add(name);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1,START", "1,END", "2,START"})
    void theOldOneServesUntilTheNewOneIsComplete(int parities, MetadataPlace place)
            throws IOException {
        try (MembersLab lab = lab(parities, place, 0)) {
            replace(lab, parities);
            assertEquals(State.ONLINE, lab.array().status().state());
            assertEquals("disk1", lab.legNames().get(1));
            assertEquals(State.REBUILDING, lab.status(newName(parities)).state());
            lab.array().fail("disk0"); // what is left includes the one to be replaced
            lab.write(1, 111);
            lab.verify();
            finish(lab, parities);
            assertEquals(newName(parities), lab.legNames().get(1));
            lab.write(2, 112);
            lab.write(BLOCKS - 2, 113);
            lab.verify();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void changesReachBothAndTheJournalMoves(int parities) throws IOException {
        MembersLab lab = lab(parities, MetadataPlace.START, 16);
        replace(lab, parities);
        for (int i = 0; i < BLOCKS && lab.children().size() > DATA_LEGS + parities; i++) {
            lab.write((i * 7) % BLOCKS, i + 1);
        }
        finish(lab, parities);
        for (int i = 0; i < 40; i++) {
            lab.write((i * 11) % BLOCKS, i + 2);
        }
        lab.kill();
        try (lab) {
            lab.start(DATA_LEGS + parities);
            lab.verify();
            loseOthers(lab, parities);
            lab.verify();
            lab.write(7, 77);
            lab.verify();
        }
    }

    @Test
    void whatTheOldOneCannotReadIsComputed() throws IOException {
        try (MembersLab lab = lab(1, MetadataPlace.START, 0)) {
            long size = lab.disk(1).size().sizeBytes();
            for (int i = 1; i < 20; i++) {
                lab.disk(1).spoil(size - i * 5L * MembersLab.BLOCK_BYTES);
            }
            lab.disk(1).setFaults(new Faults(0, 0.3, 0, 0, 0, 0)); // and it may not be mended
            replace(lab, 1);
            finish(lab, 1);
            lab.verify();
            if (lab.legNames().contains("disk3")) {
                assertTrue(lab.comesOnline()); // it may have taken the role before it was filled
                lab.array().fail("disk0");
                lab.verify();
            }
        }
    }

    @Test
    void aNewOneThatFailsLeavesTheOldOneInPlace() throws IOException {
        try (MembersLab lab = lab(1, MetadataPlace.START, 0)) {
            replace(lab, 1);
            lab.disk(3).setFaults(new Faults(0, 1, 0, 0, 0, 0));
            lab.write(1, 111);
            finish(lab, 1);
            assertEquals(List.of("disk0", "disk1", "disk2"), lab.legNames());
            assertEquals(State.ONLINE, lab.array().status().state());
            lab.array().fail("disk0");
            lab.verify();
        }
    }

    @Test
    void areasThatLieElsewhereTakeTheOldOneOutFirst() throws IOException {
        try (MembersLab lab = lab(1, MetadataPlace.END, 32)) {
            replace(lab, 1);
            assertEquals(State.DEGRADED, lab.array().status().state());
            assertTrue(lab.comesOnline());
            lab.array().fail("disk0");
            lab.verify();
        }
    }

    @ParameterizedTest
    @CsvSource({"1,START", "1,END", "2,START"})
    void aKillAtAnyStepLeavesOneOfThemInTheRole(int parities, MetadataPlace place)
            throws IOException {
        Set<String> holders = new HashSet<>();
        int resumed = 0;
        int afterwards = 0;
        for (int steps = 0; afterwards < 12; steps += 1 + steps / 32) {
            try (MembersLab lab = lab(parities, place, 0)) {
                LayoutMember fresh = lab.member(DATA_LEGS + parities);
                lab.begin(() -> lab.array().replace("disk1", fresh, false));
                for (int i = 0; i < steps; i++) {
                    lab.rig().time.step();
                    if (i % 40 == 20) {
                        lab.write(i % BLOCKS, i);
                    }
                }
                if (!lab.legNames().get(1).equals("disk1")) {
                    lab.write(afterwards, afterwards + 50); // the journal is about to move
                    afterwards++;
                }
                lab.kill();
                lab.start(DATA_LEGS + parities);
                String holder = lab.legNames().get(1);
                holders.add(holder);
                boolean goesOn =
                        !holder.equals("disk1")
                                || lab.children().stream()
                                        .anyMatch(one -> one.kind().equals("replacement"));
                resumed += goesOn && holder.equals("disk1") ? 1 : 0;
                lab.verify();
                assertTrue(lab.comesOnline(), () -> lab.array().status().toString());
                if (goesOn) {
                    finish(lab, parities);
                }
                String last = goesOn ? newName(parities) : "disk1";
                assertEquals(last, lab.legNames().get(1), "after " + steps + " steps");
                lost.clear();
                loseOthers(lab, parities);
                lab.verify();
            }
        }
        assertEquals(Set.of("disk1", newName(parities)), holders);
        assertTrue(resumed > 10, resumed + " were resumed");
    }
}

package org.unifiedvolume.raid.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.superblock.MetadataPlace;
import org.unifiedvolume.request.Locality;

/// Spares take the roles of legs that stay lost, whatever is killed meanwhile.
class SparesTest {
    private static final int BLOCKS = 16;

    private static MembersLab lab(int... blocks) {
        return new MembersLab(2, MetadataPlace.START, blocks);
    }

    private static MembersLab usual() {
        return lab(BLOCKS, BLOCKS, BLOCKS);
    }

    @Test
    void aSpareWaitsUntilTheDelayIsOverAndIsFilledThen() throws IOException {
        try (MembersLab lab = usual().start(2)) {
            lab.write(3, 33);
            assertEquals(State.ONLINE, lab.array().status().state());
            assertEquals(State.SPARE, lab.status("disk2").state());
            lab.array().fail("disk1");

            lab.sleep(MembersLab.DELAY_NANOS * 9 / 10);
            assertEquals(List.of("disk0", "disk1"), lab.legNames());
            assertTrue(
                    lab.status("disk1").remedy().contains("a spare takes its place"),
                    lab.status("disk1").remedy());
            lab.write(4, 44);
            assertTrue(lab.comesOnline());

            assertEquals(List.of("disk0", "disk2"), lab.legNames());
            assertEquals(List.of("disk0", "disk2"), lab.array().memberNames());
            lab.array().fail("disk0");
            lab.verify();
        }
    }

    @Test
    void aLegThatReturnsInTimeKeepsItsRole() throws IOException {
        try (MembersLab lab = usual().start(2)) {
            lab.write(3, 33);
            lab.array().fail("disk1");
            lab.sleep(MembersLab.DELAY_NANOS / 2);
            lab.array().readd("disk1", false);
            assertTrue(lab.comesOnline());
            lab.sleep(10 * MembersLab.DELAY_NANOS);

            assertEquals(List.of("disk0", "disk1"), lab.legNames());
            assertEquals(State.SPARE, lab.status("disk2").state());
        }
    }

    @Test
    void theSmallestSpareThatFitsIsTaken() throws IOException {
        int large = 4 * BLOCKS;
        int middle = 2 * BLOCKS;
        int small = BLOCKS / 2;
        try (MembersLab lab =
                lab(BLOCKS, BLOCKS, large, large, large, middle, middle, middle, small)) {
            int one = local(lab, 2, 5);
            int better = local(lab, 5, 8);
            lab.start(one, better);
            IOException tooSmall =
                    assertThrows(IOException.class, () -> lab.array().add(lab.member(8), false));
            assertTrue(tooSmall.getMessage().contains("take a larger one"), tooSmall.getMessage());
            lab.array().fail("disk1");
            assertTrue(lab.comesOnline());
            assertEquals(List.of("disk0", "disk" + better), lab.legNames());
        }
    }

    /// The first local disk of some; which ones are local follows from the lab's seed.
    private static int local(MembersLab lab, int from, int to) {
        for (int i = from; i < to; i++) {
            if (lab.disk(i).locality() == Locality.LOCAL) {
                return i;
            }
        }
        throw new AssertionError("no local disk from %d to %d".formatted(from, to));
    }

    @Test
    void aLocalSpareComesBeforeASmallerRemoteOneIfTheLostLegWasLocal() throws IOException {
        // The places of disks follow from the lab's seed.
        MembersLab lab = lab(BLOCKS, BLOCKS, BLOCKS, BLOCKS, BLOCKS, BLOCKS, BLOCKS, BLOCKS);
        int local = local(lab, 2, 8);
        int remote = 2;
        while (lab.disk(remote).locality() == Locality.LOCAL) {
            remote++;
        }
        int lost = lab.disk(0).locality() == Locality.LOCAL ? 0 : 1;
        assertEquals(Locality.LOCAL, lab.disk(lost).locality());
        try (lab) {
            lab.start(remote, local);
            lab.array().fail("disk" + lost);
            assertTrue(lab.comesOnline());
            assertEquals("disk" + local, lab.legNames().get(lost));
        }
    }

    @Test
    void addMakesASpareOfACompleteArrayAndFillsAnEmptyRole() throws IOException {
        try (MembersLab lab = usual().start()) {
            assertFalse(lab.array().add(lab.member(2), false));
            assertEquals(State.SPARE, lab.status("disk2").state());
            assertThrows(IOException.class, () -> lab.array().add(lab.member(2), true));
            assertEquals("", lab.array().remove("disk2"));
            lab.array().remove("disk1");

            assertTrue(lab.array().add(lab.member(2), true));

            assertTrue(lab.comesOnline());
            assertEquals(List.of("disk0", "disk2"), lab.legNames());
        }
    }

    @Test
    void addDoesNotTakeTheRoleOfALegThatIsOnlyAway() throws IOException {
        MembersLab lab = usual().start();
        lab.write(1, 11);
        lab.kill();
        try (lab) {
            lab.start("", List.of(1));
            assertFalse(lab.array().add(lab.member(2), false));
            assertEquals(List.of("disk0", "disk1"), lab.legNames());
            assertEquals(State.SPARE, lab.status("disk2").state());
        }
    }

    @Test
    void spareAndSuccessorAreFoundAgainWhereverTheyAreWritten() throws IOException {
        MembersLab lab = usual().start(2);
        lab.write(5, 55);
        lab.array().close();
        lab.start(2);
        assertEquals(State.SPARE, lab.status("disk2").state());
        lab.array().fail("disk1");
        assertTrue(lab.comesOnline());
        lab.array().close();

        try (lab) {
            lab.start(2); // the configuration has not been changed
            assertEquals(State.ONLINE, lab.array().status().state());
            assertEquals(List.of("disk0", "disk2"), lab.legNames());
            lab.array().fail("disk0");
            lab.verify();
        }
    }

    @Test
    void aRemovedMemberIsNotTakenInAnewBecauseItIsStillWritten() throws IOException {
        MembersLab lab = usual().start();
        lab.write(5, 55);
        lab.array().remove("disk1");
        lab.array().close();
        try (lab) {
            lab.start();
            assertEquals(State.DEGRADED, lab.array().status().state());
            assertEquals(State.UNAVAIL, lab.status("disk1").state());
            assertTrue(
                    lab.status("disk1").reason().contains("removed by hand"),
                    lab.status("disk1").reason());
            lab.sleep(30_000_000_000L);
            assertEquals(State.UNAVAIL, lab.status("disk1").state());
            assertTrue(lab.array().add(lab.member(1), true));
            assertTrue(lab.comesOnline());
            lab.array().fail("disk0");
            lab.verify();
        }
    }

    @Test
    void theWordThatNobodyWentOnCountsOnce() throws IOException {
        MembersLab lab = usual().start();
        lab.write(5, 55);
        lab.array().fail("disk1");
        lab.write(6, 66);
        lab.kill();
        try (lab) {
            IOException refused =
                    assertThrows(IOException.class, () -> lab.start("true", List.of(0)));
            assertTrue(refused.getMessage().contains("does not count"), refused.getMessage());
            String word = refused.getMessage().replaceFirst("(?s).*write degraded: ", "");
            lab.start(word, List.of(0)); // as somebody does who gives up what disk0 has
            assertEquals(List.of("disk0", "disk1"), lab.legNames());
            lab.kill();
            assertThrows(IOException.class, () -> lab.start(word, List.of(1)));
            lab.start(word, List.of(0));
        }
    }

    @Test
    void aKillAtAnyStepLeavesOneMemberForTheRole() throws IOException {
        Set<String> successors = new HashSet<>();
        int kills = 0;
        boolean more = true;
        for (int steps = 0; more; steps += 1 + steps / 16) {
            try (MembersLab lab = usual().start(2)) {
                lab.write(3, 33);
                lab.array().fail("disk1");
                lab.write(4, 44);
                lab.sleep(MembersLab.DELAY_NANOS - 1_000_000);
                more = lab.runSteps(steps);
                lab.kill();
                kills++;
                lab.start(2);
                lab.verify();
                assertEquals("disk0", lab.legNames().getFirst(), "after " + steps + " steps");
                assertTrue(lab.comesOnline(), "after " + steps + " steps");
                // The old one is taken in again by itself as long as nobody has taken its place.
                String second = lab.legNames().getLast();
                assertTrue(List.of("disk1", "disk2").contains(second), second);
                successors.add(second);
                lab.array().fail("disk0");
                lab.verify();
            }
        }
        assertTrue(kills > 20, kills + " kills");
        assertEquals(Set.of("disk1", "disk2"), successors);
    }
}

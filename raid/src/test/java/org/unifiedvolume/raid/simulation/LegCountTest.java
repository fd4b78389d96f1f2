package org.unifiedvolume.raid.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.superblock.MetadataPlace;
import org.unifiedvolume.spi.LayoutMember;

/// A mirror gets more legs, or fewer, while it is used: whatever is killed meanwhile, it has the
/// old number or the new one, and no leg that lacks something counts.
class LegCountTest {
    private static final int BLOCKS = 160;

    private static MembersLab lab(int legs, MetadataPlace place) throws IOException {
        MembersLab lab = new MembersLab(legs, place, BLOCKS, BLOCKS, BLOCKS + 8, BLOCKS).start();
        for (int block = 0; block < BLOCKS; block += 3) {
            lab.write(block, block);
        }
        return lab;
    }

    private static MembersLab lab(int legs) throws IOException {
        return lab(legs, MetadataPlace.START);
    }

    private static String more(MembersLab lab, int count, LayoutMember... added)
            throws IOException {
        return lab.array().setLegs(count, List.of(added), List.of(), false);
    }

    private static String fewer(MembersLab lab, int count, String... gone) throws IOException {
        return lab.array().setLegs(count, List.of(), List.of(gone), false);
    }

    private static void refuses(String words, LegChange change) {
        IOException refusal = assertThrows(IOException.class, change::run);
        assertTrue(refusal.getMessage().contains(words), refusal.getMessage());
    }

    private interface LegChange {
        void run() throws IOException;
    }

    /// Each of the legs holds everything.
    private static void verifyEach(MembersLab lab) throws IOException {
        assertTrue(lab.comesOnline(), () -> lab.array().status().toString());
        for (String kept : lab.legNames()) {
            for (String other : lab.legNames()) {
                if (!other.equals(kept)) {
                    lab.array().fail(other);
                }
            }
            lab.verify();
            for (String other : lab.legNames()) {
                if (!other.equals(kept)) {
                    lab.array().readd(other, false);
                }
            }
            assertTrue(lab.comesOnline());
        }
    }

    @Nested
    class More {
        @ParameterizedTest
        @EnumSource(MetadataPlace.class)
        void aNewLegIsFilledWhileTheOthersServe(MetadataPlace place) throws IOException {
            try (MembersLab lab = lab(2, place)) {
                assertEquals("", more(lab, 3, lab.member(2)));

                assertEquals(List.of("disk0", "disk1", "disk2"), lab.legNames());
                assertEquals(State.REBUILDING, lab.status("disk2").state());
                lab.write(1, 111);
                lab.write(BLOCKS - 1, 112);
                verifyEach(lab);
            }
        }

        @Test
        void theNextStartKnowsIt() throws IOException {
            MembersLab lab = lab(2);
            more(lab, 4, lab.member(2), lab.member(3));
            assertTrue(lab.comesOnline());
            lab.array().close();
            try (lab) {
                lab.writing(4).start();
                assertEquals(4, lab.legNames().size());
                assertEquals(State.ONLINE, lab.array().status().state());
                verifyEach(lab);
            }
        }

        @Test
        void aLegThatIsNotWrittenIsMissing() throws IOException {
            MembersLab lab = lab(2);
            more(lab, 3, lab.member(2));
            assertTrue(lab.comesOnline());
            lab.array().close();
            lab.start();
            assertEquals(State.DEGRADED, lab.array().status().state());
            String reason = lab.status("disk2").reason();
            assertTrue(reason.contains("not written among its members"), reason);
            lab.write(2, 22);
            lab.array().close();
            try (lab) {
                lab.writing(3).start();
                verifyEach(lab);
            }
        }

        @Test
        void sparesBecomeLegs() throws IOException {
            try (MembersLab lab = lab(2)) {
                lab.array().add(lab.member(2), false);
                more(lab, 4, lab.member(3));
                assertEquals(
                        Set.of("disk0", "disk1", "disk2", "disk3"), Set.copyOf(lab.legNames()));
                assertEquals(4, lab.children().size());
                verifyEach(lab);
            }
        }

        @Test
        void aLegOfTheOldShapeComesBack() throws IOException {
            MembersLab lab = lab(2);
            lab.array().close();
            lab.start("", List.of(1));
            more(lab, 3, lab.member(2));
            lab.write(4, 44);
            lab.array().close();
            try (lab) {
                lab.writing(3).start();
                assertEquals(List.of("disk0", "disk1", "disk2"), lab.legNames());
                verifyEach(lab);
            }
        }

        @Test
        void whatDoesNotFitIsRefused() throws IOException {
            MembersLab lab = new MembersLab(2, MetadataPlace.START, BLOCKS, BLOCKS, 16, BLOCKS);
            try (lab) {
                lab.start();
                lab.write(0, 1);
                refuses("has room for", () -> more(lab, 3, lab.member(2)));
                refuses("has 0 spares that fit", () -> more(lab, 3));
                refuses(
                        "2 members are to come, for 1",
                        () -> more(lab, 3, lab.member(3), lab.member(2)));
                refuses("may have 2 to 32", () -> more(lab, 33, lab.member(3)));
                refuses("2 legs already", () -> more(lab, 2));
                refuses(
                        "is to go while",
                        () ->
                                lab.array()
                                        .setLegs(
                                                3,
                                                List.of(lab.member(3)),
                                                List.of("disk1"),
                                                false));
                refuses("is a member of it already", () -> more(lab, 3, lab.member(1)));
                assertEquals(List.of("disk0", "disk1"), lab.legNames());
                more(lab, 3, lab.member(3));
                assertTrue(lab.comesOnline());
            }
        }

        @ParameterizedTest
        @EnumSource(MetadataPlace.class)
        void aKillAtAnyStepLeavesTwoLegsOrThree(MetadataPlace place) throws IOException {
            Set<Integer> counts = new HashSet<>();
            int afterwards = 0;
            for (int steps = 0; afterwards < 8; steps += 1 + steps / 24) {
                MembersLab lab = lab(2, place);
                lab.begin(() -> more(lab, 3, lab.member(2)));
                for (int i = 0; i < steps; i++) {
                    lab.rig().time.step();
                    if (i % 40 == 20) {
                        lab.write(i % BLOCKS, i);
                    }
                }
                boolean isThere = lab.legNames().size() == 3;
                afterwards += isThere && lab.status("disk2").state() == State.ONLINE ? 1 : 0;
                lab.kill();
                try (lab) {
                    lab.writing(3).start();
                    counts.add(lab.legNames().size());
                    lab.verify();
                    assertTrue(lab.comesOnline(), () -> lab.array().status().toString());
                    if (lab.legNames().size() == 2) {
                        lab.array().setLegs(3, List.of(lab.member(2)), List.of(), true);
                    }
                    assertTrue(lab.comesOnline());
                    lab.array().fail("disk0");
                    lab.array().fail("disk1");
                    lab.verify();
                }
            }
            assertEquals(Set.of(2, 3), counts);
        }
    }

    @Nested
    class Fewer {
        @ParameterizedTest
        @EnumSource(MetadataPlace.class)
        void theLastLegTakesTheRoleOfTheOneThatGoes(MetadataPlace place) throws IOException {
            MembersLab lab = lab(3, place);
            assertEquals("", fewer(lab, 2, "disk0"));
            assertEquals(List.of("disk2", "disk1"), lab.legNames());
            lab.write(3, 33);
            lab.array().close();
            try (lab) {
                lab.start(); // with the one that has gone still written
                assertEquals(List.of("disk2", "disk1"), lab.legNames());
                assertEquals(State.ONLINE, lab.array().status().state());
                verifyEach(lab);
            }
        }

        @Test
        void theLostOneGoesFirstThenTheLast() throws IOException {
            try (MembersLab lab = lab(4)) {
                lab.array().fail("disk1");
                fewer(lab, 2);
                assertEquals(List.of("disk0", "disk2"), lab.legNames());
                verifyEach(lab);
            }
        }

        @Test
        void anEmptyRoleGoes() throws IOException {
            try (MembersLab lab = lab(3)) {
                lab.array().remove("disk1");
                assertEquals("", fewer(lab, 2));
                assertEquals(List.of("disk0", "disk2"), lab.legNames());
                verifyEach(lab);
            }
        }

        @Test
        void theLastOnesInSyncStay() throws IOException {
            try (MembersLab lab = lab(3)) {
                refuses("may have 2 to 32", () -> fewer(lab, 1));
                refuses("none of its legs", () -> fewer(lab, 2, "disk3"));
                refuses("2 members are to go, for 1", () -> fewer(lab, 2, "disk0", "disk1"));
                refuses(
                        "is to come while",
                        () -> lab.array().setLegs(2, List.of(lab.member(3)), List.of(), false));
                lab.array().fail("disk1");
                lab.array().fail("disk2");
                refuses("none of the legs that would be left", () -> fewer(lab, 2, "disk0"));
                assertEquals(List.of("disk0", "disk1", "disk2"), lab.legNames());
                lab.verify();
            }
        }

        @Test
        void nobodyGoesWhileOthersAreFilledOrReplaced() throws IOException {
            try (MembersLab lab = lab(3)) {
                lab.array().fail("disk2");
                lab.array().replace("disk2", lab.member(2), true);
                refuses("is being filled", () -> fewer(lab, 2, "disk0"));
                assertTrue(lab.comesOnline());
                lab.array().replace("disk1", lab.member(3), false);
                refuses("is being replaced", () -> fewer(lab, 2, "disk0"));
            }
        }

        @Test
        void oneThatCouldNotBeToldIsNoLegWhenItIsBack() throws IOException {
            MembersLab lab = lab(3);
            lab.array().close();
            lab.start("", List.of(2));
            lab.write(5, 55);
            String remark = fewer(lab, 2);
            assertTrue(remark.contains("could not be wiped"), remark);
            lab.write(6, 66);
            lab.array().close();
            refuses("is missing", () -> lab.start("", List.of(0, 1)));
            try (lab) {
                lab.start();
                assertEquals(List.of("disk0", "disk1"), lab.legNames());
                assertEquals(State.ONLINE, lab.array().status().state());
                verifyEach(lab);
            }
        }

        @ParameterizedTest
        @EnumSource(MetadataPlace.class)
        void aKillAtAnyStepLeavesThreeLegsOrTwo(MetadataPlace place) throws IOException {
            Set<Integer> counts = new HashSet<>();
            int afterwards = 0;
            for (int steps = 0; afterwards < 8; steps += 1 + steps / 24) {
                MembersLab lab = lab(3, place);
                lab.begin(() -> fewer(lab, 2, "disk0"));
                for (int i = 0; i < steps; i++) {
                    lab.rig().time.step();
                    if (i % 10 == 5) {
                        lab.write(i % BLOCKS, i);
                    }
                }
                boolean isDone = lab.legNames().size() == 2;
                afterwards += isDone ? 1 : 0;
                lab.kill();
                try (lab) {
                    lab.start();
                    counts.add(lab.legNames().size());
                    lab.verify();
                    verifyEach(lab);
                }
            }
            assertEquals(Set.of(2, 3), counts);
        }
    }
}

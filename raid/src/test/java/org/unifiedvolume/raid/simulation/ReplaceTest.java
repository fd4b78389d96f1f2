package org.unifiedvolume.raid.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.superblock.MetadataPlace;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.testkit.SimulatedDisk.Faults;

/// A member that is replaced serves until the new one is complete; whatever is killed or fails
/// meanwhile, one of the two has the role and no redundancy is lost.
class ReplaceTest {
    private static final int BLOCKS = 160;

    private static MembersLab lab(MetadataPlace place) throws IOException {
        MembersLab lab = new MembersLab(2, place, BLOCKS, BLOCKS, BLOCKS + 32).start();
        for (int block = 0; block < BLOCKS; block += 3) {
            lab.write(block, block);
        }
        return lab;
    }

    private static void finish(MembersLab lab) {
        for (int i = 0; i < 100_000 && lab.children().size() > 2; i++) {
            assertTrue(lab.rig().time.step());
        }
        assertEquals(2, lab.children().size(), () -> lab.children().toString());
    }

    @ParameterizedTest
    @EnumSource(MetadataPlace.class)
    void theOldOneServesUntilTheNewOneIsComplete(MetadataPlace place) throws IOException {
        try (MembersLab lab = lab(place)) {
            lab.array().replace("disk1", lab.member(2), false);

            assertEquals(State.ONLINE, lab.array().status().state());
            assertEquals(List.of("disk0", "disk1"), lab.legNames());
            assertEquals(State.REBUILDING, lab.status("disk2").state());
            lab.array().fail("disk0"); // what is left is the one to be replaced
            lab.write(1, 111);
            lab.verify();
            finish(lab);

            assertEquals(List.of("disk0", "disk2"), lab.legNames());
            lab.verify();
            IOException last = assertThrows(IOException.class, () -> lab.array().fail("disk2"));
            assertTrue(last.getMessage().contains("cannot do without"), last.getMessage());
        }
    }

    @Test
    void changesReachBoth() throws IOException {
        try (MembersLab lab = lab(MetadataPlace.START)) {
            lab.array().replace("disk1", lab.member(2), false);
            for (int i = 0; i < BLOCKS && lab.children().size() > 2; i++) {
                lab.write((i * 7) % BLOCKS, i + 1);
            }
            finish(lab);
            lab.array().fail("disk0");
            lab.verify();
        }
    }

    @Test
    void aNewOneThatFailsLeavesTheOldOneInPlace() throws IOException {
        try (MembersLab lab = lab(MetadataPlace.START)) {
            lab.array().replace("disk1", lab.member(2), false);
            lab.disk(2).setFaults(new Faults(0, 1, 0, 0, 0, 0));
            lab.write(1, 111);
            finish(lab);

            assertEquals(List.of("disk0", "disk1"), lab.legNames());
            assertEquals(State.ONLINE, lab.array().status().state());
            lab.array().fail("disk0");
            lab.verify();
        }
    }

    @Test
    void removingTheNewOneLeavesTheOldOneInPlace() throws IOException {
        try (MembersLab lab = lab(MetadataPlace.START)) {
            lab.array().replace("disk1", lab.member(2), false);
            assertThrows(IOException.class, () -> lab.array().remove("disk1"));
            assertThrows(
                    IOException.class, () -> lab.array().replace("disk1", lab.member(2), true));
            assertEquals("", lab.array().remove("disk2"));
            assertEquals(List.of("disk0", "disk1"), lab.legNames());
            assertEquals(2, lab.children().size());
            lab.array().fail("disk0");
            lab.verify();
        }
    }

    @Test
    void anOldOneThatFailsGivesItsRoleAtOnce() throws IOException {
        try (MembersLab lab = lab(MetadataPlace.START)) {
            lab.array().replace("disk1", lab.member(2), false);
            lab.array().fail("disk1");
            lab.write(1, 111);
            assertTrue(lab.comesOnline());
            assertEquals(List.of("disk0", "disk2"), lab.legNames());
            lab.array().fail("disk0");
            lab.verify();
        }
    }

    @Test
    void theNextStartGoesOnWithIt() throws IOException {
        MembersLab lab = lab(MetadataPlace.START);
        lab.array().replace("disk1", lab.member(2), false);
        lab.write(1, 111);
        lab.kill();
        try (lab) {
            lab.start(2);
            assertEquals(List.of("disk0", "disk1"), lab.legNames());
            assertEquals(State.REBUILDING, lab.status("disk2").state());
            lab.write(2, 222);
            finish(lab);
            assertEquals(List.of("disk0", "disk2"), lab.legNames());
            lab.array().fail("disk0");
            lab.verify();
        }
    }

    @Test
    void aNewOneThatIsMissingAtAStartIsGivenUp() throws IOException {
        MembersLab lab = lab(MetadataPlace.START);
        lab.array().replace("disk1", lab.member(2), false);
        lab.kill();
        lab.start();
        assertEquals(2, lab.children().size());
        lab.write(1, 111);
        lab.array().close();
        try (lab) {
            lab.start(2);
            assertEquals(List.of("disk0", "disk1"), lab.legNames());
            assertEquals(2, lab.children().size(), () -> lab.children().toString());
            lab.verify();
        }
    }

    @Test
    void anOldOneThatIsMissingAtAStartHasGivenItsRole() throws IOException {
        MembersLab lab = lab(MetadataPlace.START);
        lab.array().replace("disk1", lab.member(2), false);
        lab.write(1, 111);
        lab.kill();
        try (lab) {
            lab.start("", List.of(1), 2);
            assertEquals(List.of("disk0", "disk2"), lab.legNames());
            assertTrue(lab.comesOnline());
            lab.array().fail("disk0");
            lab.verify();
        }
    }

    @ParameterizedTest
    @EnumSource(MetadataPlace.class)
    void aKillAtAnyStepLeavesOneOfThemInTheRole(MetadataPlace place) throws IOException {
        Set<String> holders = new HashSet<>();
        int resumed = 0;
        int afterwards = 0;
        for (int steps = 0; afterwards < 12; steps += 1 + steps / 32) {
            try (MembersLab lab = lab(place)) {
                LayoutMember fresh = lab.member(2);
                lab.begin(() -> lab.array().replace("disk1", fresh, false));
                for (int i = 0; i < steps; i++) {
                    lab.rig().time.step();
                    if (i % 40 == 20) {
                        lab.write(i % BLOCKS, i);
                    }
                }
                afterwards += lab.legNames().getLast().equals("disk2") ? 1 : 0;
                lab.kill();
                lab.start(2);
                String holder = lab.legNames().getLast();
                holders.add(holder);
                // What had not begun yet has to be begun again.
                boolean goesOn =
                        holder.equals("disk2")
                                || lab.children().stream()
                                        .anyMatch(one -> one.kind().equals("replacement"));
                resumed += goesOn && holder.equals("disk1") ? 1 : 0;
                lab.verify();
                assertTrue(lab.comesOnline(), () -> lab.array().status().toString());
                if (goesOn) {
                    finish(lab);
                }
                String last = lab.legNames().getLast();
                assertEquals(goesOn ? "disk2" : "disk1", last, "after " + steps + " steps");
                lab.array().fail("disk0");
                lab.verify();
            }
        }
        assertEquals(Set.of("disk1", "disk2"), holders);
        assertTrue(resumed > 10, resumed + " were resumed");
    }
}

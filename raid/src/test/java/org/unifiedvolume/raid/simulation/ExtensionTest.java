package org.unifiedvolume.raid.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.superblock.MetadataPlace;
import org.unifiedvolume.spi.LayoutMember;

/// A linear array gets more members at its end while it is used: it has them, or it is as it was.
class ExtensionTest {
    private static final int BLOCKS = 6;

    private static SpreadLab lab(MetadataPlace place) throws IOException {
        SpreadLab lab = new SpreadLab(0, place, BLOCKS, BLOCKS + 3, BLOCKS + 1, BLOCKS + 2);
        lab.start(0, 1);
        lab.fill();
        return lab;
    }

    private static void refuses(SpreadLab lab, String words, SpreadLab.Deed deed) {
        byte[] before = lab.disk(2).view();
        long size = lab.sizeBlocks();
        IOException refusal = assertThrows(IOException.class, deed::run);
        assertTrue(refusal.getMessage().contains(words), refusal.getMessage());
        assertEquals(size, lab.sizeBlocks());
        assertTrue(Arrays.equals(before, lab.disk(2).view()));
    }

    @ParameterizedTest
    @EnumSource(MetadataPlace.class)
    void theNewSpaceIsThereAtOnceAndAfterTheNextStart(MetadataPlace place) throws IOException {
        SpreadLab lab = lab(place);
        long before = lab.sizeBlocks();
        lab.extend(2, 3);
        long after = lab.sizeBlocks();
        assertTrue(after >= before + 2 * BLOCKS + 3, after + " blocks after " + before);
        assertEquals(State.ONLINE, lab.state());
        for (long block = before; block < after; block++) {
            lab.write(block, (int) block + 1);
        }
        lab.flush();
        lab.verify();
        lab.powerCut();
        IOException refusal = assertThrows(IOException.class, () -> lab.start(0, 1, 2));
        assertTrue(refusal.getMessage().contains("last seen as disk3"), refusal.getMessage());
        lab.start(3, 2, 1, 0);
        assertEquals(after, lab.sizeBlocks());
        lab.verify();
        lab.close();
    }

    @ParameterizedTest
    @EnumSource(MetadataPlace.class)
    void aPowerCutAtAnyStepLeavesItAsItWasOrLarger(MetadataPlace place) throws IOException {
        Set<Boolean> outcomes = new HashSet<>();
        int afterwards = 0;
        for (int steps = 0; afterwards < 5; steps++) {
            for (boolean newIsThere : new boolean[] {true, false}) {
                SpreadLab lab =
                        new SpreadLab(steps, 0, place, BLOCKS, BLOCKS + 3, BLOCKS + 1).start(0, 1);
                lab.fill();
                long before = lab.sizeBlocks();
                lab.begin(() -> lab.extend(2));
                lab.steps(steps);
                boolean hasGrown = lab.sizeBlocks() > before;
                afterwards += hasGrown ? 1 : 0;
                if (hasGrown) {
                    lab.write(before + 1, 99);
                    lab.flush();
                }
                lab.powerCut();
                if (newIsThere) {
                    lab.start(0, 1, 2);
                } else {
                    startWithoutOrWith(lab);
                }
                lab.verify();
                boolean isLarger = lab.sizeBlocks() > before;
                outcomes.add(isLarger);
                assertTrue(isLarger || !hasGrown, "after " + steps + " steps");
                if (!isLarger) {
                    lab.array().extend(List.of(lab.member(2)), true, 0);
                    lab.write(before + 2, 98);
                }
                lab.verify();
                lab.close();
            }
        }
        assertEquals(Set.of(true, false), outcomes);
    }

    /// Whoever did not hear that the array was to grow starts it as it was: that works, unless some
    /// old member knows of the new one.
    private static void startWithoutOrWith(SpreadLab lab) throws IOException {
        try {
            lab.start(0, 1);
        } catch (IOException e) {
            assertTrue(e.getMessage().contains("last seen as disk2"), e.getMessage());
            lab.start(0, 1, 2);
        }
    }

    @Test
    void aMemberThatWasToBeAddedIsNotTakenForOneLater() throws IOException {
        int refused = 0;
        for (int steps = 1; refused < 3; steps++) {
            SpreadLab lab = new SpreadLab(0, MetadataPlace.START, BLOCKS, BLOCKS, BLOCKS, BLOCKS);
            lab.start(0, 1);
            lab.fill();
            lab.begin(() -> lab.extend(2));
            lab.steps(steps);
            lab.kill();
            startWithoutOrWith(lab);
            if (lab.array().memberNames().size() == 2) {
                lab.write(1, 77);
                lab.array().close();
                lab.start(0, 1, 2);
                assertEquals(List.of("disk0", "disk1"), lab.array().memberNames());
                refused += lab.array().status().reason().contains("disk2") ? 1 : 0;
            } else {
                refused++;
            }
            lab.verify();
            lab.close();
        }
    }

    @Test
    void whatIsNotRightForItIsRefusedAndNothingIsWritten() throws IOException {
        SpreadLab lab = lab(MetadataPlace.START);
        refuses(lab, "disk1 is a member of it already", () -> lab.extend(1));
        refuses(lab, "or was named twice", () -> lab.extend(2, 2));
        LayoutMember alias =
                lab.rig().member("other-name", lab.disk(0).open(lab.rig().io), 1_000_000_000L);
        refuses(
                lab,
                "other-name is a member of it already",
                () -> lab.array().extend(List.of(alias), true, 0));
        LayoutMember small = lab.rig().member("small", lab.rig().memory(65536, null), 0);
        refuses(lab, "small has room for 0 B", () -> lab.array().extend(List.of(small), true, 0));
        LayoutMember gone = LayoutMember.missing("gone", lab.disk(2).locality(), "no such file");
        refuses(
                lab,
                "gone cannot be opened: no such file",
                () -> lab.array().extend(List.of(lab.member(2), gone), true, 0));
        SpreadLab other = new SpreadLab(9, 0, MetadataPlace.START, BLOCKS, BLOCKS).start(0, 1);
        other.array().close();
        lab.disk(3).restore(other.disk(1).snapshot());
        refuses(lab, "disk3 holds a member of array v", () -> lab.extend(2, 3));
        lab.array().extend(List.of(lab.member(3)), true, 0);
        lab.verify();
        lab.close();
        other.start(0, 1).close();
    }

    @Test
    void aMemberThatFailsWhileItIsAddedLeavesTheVolumeAsItWas() throws IOException {
        SpreadLab lab = lab(MetadataPlace.START);
        long before = lab.sizeBlocks();
        lab.disk(1).setOffline(true);
        IOException failure = assertThrows(IOException.class, () -> lab.extend(2));
        assertTrue(failure.getMessage().contains("goes on as it was"), failure.getMessage());
        assertEquals(before, lab.sizeBlocks());
        lab.disk(1).setOffline(false);
        lab.rig().time.advance(3_000_000_000L);
        lab.write(BLOCKS + 1, 55);
        lab.verify();
        lab.kill();
        startWithoutOrWith(lab);
        lab.verify();
        lab.close();
    }
}

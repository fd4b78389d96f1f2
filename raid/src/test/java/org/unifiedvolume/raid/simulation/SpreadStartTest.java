package org.unifiedvolume.raid.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
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
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.testkit.SimulatedDisk;
import org.unifiedvolume.testkit.SimulatedDisk.Faults;

/// Linear arrays and RAID 0 with superblocks know their members wherever they are, and refuse what
/// is not theirs, before they write anything.
class SpreadStartTest {
    private static final int BLOCKS = 12;
    private static final long LINEAR = 0;
    private static final long STRIPE = 8192;

    private static SpreadLab lab(long chunk) throws IOException {
        return lab(chunk, MetadataPlace.START);
    }

    private static SpreadLab lab(long chunk, MetadataPlace place) throws IOException {
        SpreadLab lab = new SpreadLab(chunk, place, BLOCKS, BLOCKS, BLOCKS, BLOCKS).start(0, 1, 2);
        lab.fill();
        return lab;
    }

    /// A start that must fail, and must leave every disk as it was.
    private static void refuses(SpreadLab lab, String words, List<Integer> disks, Integer... gone) {
        List<byte[]> before = content(lab);
        IOException refusal =
                assertThrows(IOException.class, () -> lab.start(disks, List.of(gone)));
        assertTrue(refusal.getMessage().contains(words), refusal.getMessage());
        List<byte[]> after = content(lab);
        for (int i = 0; i < before.size(); i++) {
            assertTrue(Arrays.equals(before.get(i), after.get(i)), "disk" + i + " was written");
        }
    }

    private static List<byte[]> content(SpreadLab lab) {
        return List.of(0, 1, 2, 3).stream().map(i -> lab.disk(i).view()).toList();
    }

    @ParameterizedTest
    @ValueSource(longs = {LINEAR, STRIPE})
    void whatWasWrittenIsThereInWhateverOrderTheMembersAreNamed(long chunk) throws IOException {
        for (MetadataPlace place : MetadataPlace.values()) {
            SpreadLab lab = lab(chunk, place);
            int room = BLOCKS + (place == MetadataPlace.END ? 15 : 0);
            assertEquals(3L * (chunk == STRIPE ? room - room % 2 : room), lab.sizeBlocks());
            lab.array().close();
            lab.disk(0).swap(lab.disk(2));
            lab.start(2, 0, 1);
            lab.verify();
            assertEquals(State.ONLINE, lab.state());
            assertEquals(List.of("disk2", "disk1", "disk0"), lab.array().memberNames(), "by role");
            lab.close();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {LINEAR, STRIPE})
    void itIsTheSameAfterAKillAtAnyStepOfAStart(long chunk) throws IOException {
        boolean hasStarted = false;
        for (int steps = 0; !hasStarted; steps++) {
            SpreadLab lab = lab(chunk);
            lab.array().close();
            lab.beginStart(0, 1, 2);
            lab.steps(steps);
            hasStarted = lab.array() != null;
            lab.powerCut();
            lab.start(0, 1, 2);
            lab.verify();
            lab.close();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {LINEAR, STRIPE})
    void whoIsMissingIsNamedWithItsLastPlace(long chunk) throws IOException {
        SpreadLab lab = lab(chunk);
        lab.array().close();
        refuses(lab, "role 1: missing at start; last seen as disk1", List.of(0, 2));
        refuses(lab, "role 1: missing at start; last seen as disk1", List.of(0, 1, 2), 1);
        refuses(lab, "role 0: missing at start; last seen as disk0", List.of(2));
        refuses(lab, "disk3: it carries no superblock", List.of(0, 1, 3));
        lab.start(0, 1, 2);
        lab.verify();
        lab.close();
    }

    @ParameterizedTest
    @ValueSource(longs = {LINEAR, STRIPE})
    void aMemberThatWasSetBackIsRefused(long chunk) throws IOException {
        SpreadLab lab = lab(chunk);
        lab.array().close();
        SimulatedDisk.Snapshot old = lab.disk(1).snapshot();
        lab.start(0, 1, 2);
        lab.array().close();
        SimulatedDisk.Snapshot now = lab.disk(1).snapshot();
        lab.disk(1).restore(old);
        refuses(lab, "disk1: it is older than it was when last seen", List.of(0, 1, 2));
        lab.disk(1).restore(now);
        lab.start(0, 1, 2);
        lab.verify();
        lab.close();
    }

    @ParameterizedTest
    @ValueSource(longs = {LINEAR, STRIPE})
    void aMemberThatIsNoneOfItsOwnIsRefused(long chunk) throws IOException {
        SpreadLab other =
                new SpreadLab(8, chunk, MetadataPlace.START, BLOCKS, BLOCKS, BLOCKS, BLOCKS);
        other.start(0, 1, 2).array().close();
        SpreadLab lab = lab(chunk);
        lab.array().close();
        SimulatedDisk.Snapshot own = lab.disk(2).snapshot();
        lab.disk(2).restore(other.disk(2).snapshot());
        refuses(lab, "Take one of them out", List.of(0, 1, 2));
        lab.disk(2).restore(own);
        SimulatedDisk.Snapshot twin = lab.disk(1).snapshot();
        lab.disk(3).restore(twin);
        refuses(lab, "are the same member", List.of(0, 1, 2, 3));
        lab.start(0, 1, 2);
        lab.verify();
        lab.close();
        other.start(0, 1, 2).close();
    }

    @Test
    void anotherLevelOrChunkThanTheArraysIsRefused() throws IOException {
        SpreadLab lab = lab(STRIPE);
        lab.array().close();
        SpreadLab linear = new SpreadLab(LINEAR, MetadataPlace.START, BLOCKS, BLOCKS, BLOCKS, 4);
        SpreadLab wide = new SpreadLab(16384, MetadataPlace.START, BLOCKS, BLOCKS, BLOCKS, 4);
        for (int i = 0; i < 3; i++) {
            linear.disk(i).restore(lab.disk(i).snapshot());
            wide.disk(i).restore(lab.disk(i).snapshot());
        }
        refuses(linear, "write level: raid0", List.of(0, 1, 2));
        refuses(wide, "made with chunk: 8KiB", List.of(0, 1, 2));
        lab.start(0, 1, 2).close();
    }

    @Test
    void aBlankDiskThatIsNotNeededIsLeftAloneAndNamed() throws IOException {
        SpreadLab lab = lab(STRIPE);
        lab.array().close();
        byte[] before = lab.disk(3).view();
        lab.start(0, 1, 2, 3);
        lab.verify();
        assertEquals(State.ONLINE, lab.state());
        String reason = lab.array().status().reason();
        assertTrue(reason.contains("disk3 carries nothing and is not used"), reason);
        assertTrue(Arrays.equals(before, lab.disk(3).view()));
        lab.close();
    }

    @Test
    void aMemberThatLeavesIsToldAndSoIsItsReturn() throws IOException {
        SpreadLab lab = lab(STRIPE);
        lab.disk(1).setOffline(true);
        assertInstanceOf(
                Outcome.Failed.class, lab.rig().write(lab.array(), 2 * 4096, SpreadLab.block(3)));
        assertTrue(lab.comes(State.UNAVAIL));
        String reason = lab.array().status().reason();
        assertTrue(reason.contains("disk1"), reason);
        lab.rig().read(lab.array(), 0, 4096);
        lab.disk(1).setOffline(false);
        assertTrue(lab.comes(State.ONLINE));
        reason = lab.array().status().reason();
        assertTrue(reason.contains("requests failed"), reason);
        lab.write(2, 3);
        lab.verify();
        lab.close();
    }

    @Test
    void aMemberInWhosePlaceAnotherOneAnswersIsNotWritten() throws IOException {
        SpreadLab lab = lab(STRIPE);
        SimulatedDisk.Snapshot own = lab.disk(1).snapshot();
        lab.disk(1).setFaults(new Faults(1, 1, 0, 0, 0, 0));
        assertInstanceOf(
                Outcome.Failed.class, lab.rig().write(lab.array(), 2 * 4096, SpreadLab.block(3)));
        assertTrue(lab.comes(State.FAULTED));
        lab.disk(1).setFaults(Faults.NONE);
        lab.disk(1).restore(lab.disk(3).snapshot());
        lab.rig().time.advance(3_000_000_000L);
        assertEquals(State.FAULTED, lab.state());
        String reason = lab.array().status().reason();
        assertTrue(reason.contains("carries no superblock of this array now"), reason);
        assertInstanceOf(
                Outcome.Failed.class, lab.rig().write(lab.array(), 2 * 4096, SpreadLab.block(3)));
        lab.disk(1).restore(own);
        assertTrue(lab.comes(State.ONLINE));
        lab.write(2, 3);
        lab.verify();
        lab.close();
    }

    @Test
    void whatNeedsRedundancyIsRefused() throws IOException {
        SpreadLab lab = lab(STRIPE);
        for (SpreadLab.Deed deed :
                List.<SpreadLab.Deed>of(
                        () -> lab.array().fail("disk1"),
                        () -> lab.array().readd("disk1", false),
                        () -> lab.array().remove("disk1"),
                        () -> lab.array().replace("disk1", lab.member(3), true),
                        () -> lab.array().add(lab.member(3), true))) {
            IOException refusal = assertThrows(IOException.class, deed::run);
            assertTrue(
                    refusal.getMessage().contains("raid0 needs all of its members"),
                    refusal.getMessage());
        }
        assertThrows(IOException.class, () -> lab.array().scrub(false, 0));
        assertThrows(IOException.class, () -> lab.array().grow(0));
        lab.verify();
        lab.close();
    }

    @Test
    void detailTellsWhatItIs() throws IOException {
        SpreadLab lab = lab(STRIPE);
        Map<String, Object> detail = lab.array().detail();
        assertEquals("raid0", detail.get("level"));
        assertEquals("ONLINE", detail.get("state"));
        assertEquals(8192L, detail.get("chunk"));
        assertEquals(3, ((List<?>) detail.get("legs")).size());
        assertFalse(detail.get("uuid").toString().isEmpty());
        lab.close();
    }
}

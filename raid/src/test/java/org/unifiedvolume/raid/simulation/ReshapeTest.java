package org.unifiedvolume.raid.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.superblock.MetadataPlace;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.testkit.SimulatedDisk.Faults;

/// A RAID 0 is laid out over more members while it is used: whatever is killed, and whenever, what
/// was durable is there, and the reshape goes on.
class ReshapeTest {
    private static final int ROWS = 5;

    private static int[] disks(int count) {
        int[] disks = new int[count];
        Arrays.setAll(disks, disk -> disk);
        return disks;
    }

    private static int[] from(int first, int count) {
        int[] disks = new int[count];
        Arrays.setAll(disks, disk -> first + disk);
        return disks;
    }

    private static SpreadLab lab(long seed, int before, int added, int chunkBlocks)
            throws IOException {
        int[] room = new int[before + added];
        Arrays.fill(room, ROWS * chunkBlocks);
        SpreadLab lab =
                new SpreadLab(
                        seed,
                        (long) chunkBlocks * SpreadLab.BLOCK_BYTES,
                        MetadataPlace.START,
                        room);
        lab.start(disks(before));
        lab.fill();
        return lab;
    }

    @Test
    void everySmallGeometryIsLaidOutAnewWhileItIsUsed() throws IOException {
        for (int before = 1; before <= 5; before++) {
            for (int added = 1; added <= 3; added++) {
                for (int chunkBlocks : new int[] {1, 2, 4}) {
                    reshapeInUse(before, added, chunkBlocks);
                }
            }
        }
    }

    private static void reshapeInUse(int before, int added, int chunkBlocks) throws IOException {
        SpreadLab lab = lab(7, before, added, chunkBlocks);
        long size = lab.sizeBlocks();
        lab.extend(from(before, added));
        assertEquals(State.RESHAPING, lab.state());
        assertEquals(size, lab.sizeBlocks(), "it is larger only at the end");
        int value = 1000;
        while (lab.state() == State.RESHAPING) {
            lab.write(value * 7L % size, value);
            value++;
            lab.steps(3);
            lab.verify();
        }
        assertEquals(State.ONLINE, lab.state());
        assertEquals(size / before * (before + added), lab.sizeBlocks());
        lab.verify();
        for (long block = size; block < lab.sizeBlocks(); block++) {
            lab.write(block, (int) block);
        }
        lab.array().close();
        lab.start(disks(before + added));
        assertEquals(State.ONLINE, lab.state());
        lab.verify();
        lab.close();
    }

    @ParameterizedTest
    @CsvSource({"2, 1, 1", "2, 3, 1", "3, 1, 2", "3, 2, 1"})
    void aPowerCutAtAnyStepLosesNothing(int before, int added, int chunkBlocks) throws IOException {
        Set<State> seen = new HashSet<>();
        boolean hasEnded = false;
        for (int steps = 0; !hasEnded; steps++) {
            hasEnded = killedAfter(steps, before, added, chunkBlocks, true, seen);
        }
        assertEquals(Set.of(State.ONLINE, State.RESHAPING), seen);
    }

    @Test
    void aKillOrAPowerCutNowAndThenLosesNothingInAnyGeometry() throws IOException {
        Set<State> seen = new HashSet<>();
        for (int before = 2; before <= 5; before++) {
            for (int added = 1; added <= 3; added++) {
                for (int chunkBlocks : new int[] {1, 2, 4}) {
                    int steps = before + 3 * added;
                    boolean hasEnded = false;
                    while (!hasEnded) {
                        boolean isCut = steps % 3 > 0;
                        hasEnded = killedAfter(steps, before, added, chunkBlocks, isCut, seen);
                        steps += 41;
                    }
                }
            }
        }
        assertEquals(Set.of(State.ONLINE, State.RESHAPING), seen);
    }

    /// Ends a reshape after so many steps of time, and again after some more.
    ///
    /// @return whether it had ended already
    private static boolean killedAfter(
            int steps, int before, int added, int chunkBlocks, boolean isCut, Set<State> seen)
            throws IOException {
        String where =
                "%d members to %d, chunks of %d blocks, killed after %d steps"
                        .formatted(before, before + added, chunkBlocks, steps);
        SpreadLab lab = lab(steps, before, added, chunkBlocks);
        long size = lab.sizeBlocks();
        try {
            lab.begin(() -> lab.extend(from(before, added)));
            boolean hasEnded = use(lab, steps, size);
            end(lab, isCut);
            restart(lab, before, added);
            seen.add(lab.state());
            lab.verify();
            use(lab, 7 + steps % 23, size);
            end(lab, !isCut);
            restart(lab, before, added);
            lab.verify();
            if (lab.array().memberNames().size() == before) {
                lab.array().extend(members(lab, from(before, added)), true, 0);
            }
            assertTrue(lab.comes(State.ONLINE));
            lab.verify();
            assertEquals(size / before * (before + added), lab.sizeBlocks());
            lab.close();
            return hasEnded;
        } catch (AssertionError | IOException e) {
            throw new AssertionError(where + ": " + e.getMessage(), e);
        }
    }

    private static List<LayoutMember> members(SpreadLab lab, int[] disks) {
        return Arrays.stream(disks).mapToObj(lab::member).toList();
    }

    /// Runs so many steps of time, and writes now and then.
    ///
    /// @return whether a reshape has ended meanwhile
    private static boolean use(SpreadLab lab, int steps, long size) {
        for (int step = 0; step < steps; step++) {
            lab.steps(1);
            if (step % 19 == 18) {
                lab.write((step * 5L + steps) % size, step + 5000);
                lab.flush();
            }
        }
        return lab.sizeBlocks() > size;
    }

    private static void end(SpreadLab lab, boolean isCut) {
        if (isCut) {
            lab.powerCut();
        } else {
            lab.kill();
        }
    }

    /// With all disks, or with those that the user knew of, if no member knows of the others.
    private static void restart(SpreadLab lab, int before, int added) throws IOException {
        lab.start(disks(before + added));
    }

    @Test
    void itGoesOnWhereItWasAfterAStopInOrder() throws IOException {
        SpreadLab lab = lab(7, 3, 1, 2);
        lab.extend(3);
        lab.steps(60);
        assertEquals(State.RESHAPING, lab.state());
        lab.array().close();
        IOException refusal = assertThrows(IOException.class, () -> lab.start(0, 1, 2));
        assertTrue(refusal.getMessage().contains("last seen as disk3"), refusal.getMessage());
        lab.start(3, 1, 2, 0);
        assertEquals(State.RESHAPING, lab.state());
        lab.verify();
        assertTrue(lab.comes(State.ONLINE));
        lab.verify();
        lab.close();
    }

    @Test
    void anotherOneCannotBeginMeanwhile() throws IOException {
        SpreadLab lab = new SpreadLab(4096, MetadataPlace.END, 8, 8, 8, 8);
        lab.start(0, 1);
        lab.fill();
        lab.extend(2);
        IOException refusal = assertThrows(IOException.class, () -> lab.extend(3));
        assertTrue(refusal.getMessage().contains("a reshape is under way"), refusal.getMessage());
        assertTrue(lab.comes(State.ONLINE));
        lab.extend(3);
        assertTrue(lab.comes(State.ONLINE));
        lab.verify();
        lab.close();
    }

    @Test
    void aMemberThatIsTooSmallIsRefused() throws IOException {
        SpreadLab lab = new SpreadLab(8192, MetadataPlace.START, 8, 8, 7).start(0, 1);
        lab.fill();
        IOException refusal = assertThrows(IOException.class, () -> lab.extend(2));
        assertTrue(refusal.getMessage().contains("disk2 has room for"), refusal.getMessage());
        lab.array().close();
        lab.start(0, 1);
        lab.verify();
        lab.close();
    }

    @Test
    void aMemberThatLeavesStopsItAndItGoesOnWhenThatIsBack() throws IOException {
        for (int disk = 0; disk < 3; disk++) {
            for (int steps = 20; steps < 200; steps += 9) {
                SpreadLab lab = lab(steps, 2, 1, 1);
                lab.extend(2);
                lab.steps(steps);
                lab.disk(disk).setOffline(true);
                lab.rig().time.advance(5_000_000_000L);
                if (lab.sizeBlocks() == 2 * ROWS) {
                    assertEquals(State.RESHAPING, relevant(lab));
                }
                lab.disk(disk).setOffline(false);
                assertTrue(lab.comes(State.ONLINE), "disk" + disk + " after " + steps);
                lab.verify();
                assertEquals(3 * ROWS, lab.sizeBlocks());
                lab.close();
            }
        }
    }

    /// Without members that are away, which count for more.
    private static State relevant(SpreadLab lab) {
        Map<?, ?> job = (Map<?, ?>) ((List<?>) lab.array().detail().get("jobs")).getFirst();
        assertEquals(false, job.get("ended"));
        return State.RESHAPING;
    }

    @Test
    void whileItIsNotKnownWhatIsWrittenDownItsBytesAreNotGivenOut() throws IOException {
        int refused = 0;
        for (int steps = 10; steps < 160; steps++) {
            SpreadLab lab = lab(steps, 2, 1, 1);
            lab.extend(2);
            lab.steps(steps);
            // From now on nothing can be written to one member, be it data or superblocks.
            lab.disk(1).setFaults(new Faults(0, 1, 0, 0, 0, 0));
            lab.rig().time.advance(3_000_000_000L);
            List<Integer> failing = new ArrayList<>();
            for (int block = 0; block < 2 * ROWS; block++) {
                Outcome answer =
                        lab.rig()
                                .call(
                                        lab.array(),
                                        new IoRequest.Locate(
                                                lab.rig()
                                                        .tag(
                                                                lab.array(),
                                                                Operation.LOCATE,
                                                                block * 4096L,
                                                                4096),
                                                block * 4096L,
                                                4096));
                if (answer instanceof Outcome.Failed) {
                    failing.add(block);
                }
            }
            refused += failing.isEmpty() ? 0 : 1;
            lab.disk(1).setFaults(Faults.NONE);
            end(lab, steps % 2 == 0);
            lab.start(0, 1, 2);
            lab.verify();
            assertTrue(lab.comes(State.ONLINE));
            lab.verify();
            lab.close();
        }
        assertTrue(refused > 0, "no window was ever in doubt");
    }

    @Test
    void theRateIsKeptTo() throws IOException {
        SpreadLab lab = new SpreadLab(4096, MetadataPlace.START, 64, 64, 64).start(0, 1);
        lab.fill();
        long began = lab.rig().time.nanoTime();
        lab.array().extend(List.of(lab.member(2)), false, 64 << 10);
        assertTrue(lab.comes(State.ONLINE));
        long seconds = (lab.rig().time.nanoTime() - began) / 1_000_000_000L;
        assertTrue(seconds >= 6, "512 KiB at 64 KiB/s took " + seconds + " s");
        lab.verify();
        lab.close();
    }

    @Test
    void requestsAreServedMeanwhileAlsoFlushes() throws IOException {
        SpreadLab lab = lab(7, 2, 1, 2);
        lab.extend(2);
        for (int i = 0; lab.state() == State.RESHAPING; i++) {
            lab.steps(2);
            assertInstanceOf(Outcome.Done.class, lab.rig().flush(lab.array()));
            lab.write(i % lab.sizeBlocks(), 2000 + i);
        }
        lab.verify();
        lab.close();
    }
}

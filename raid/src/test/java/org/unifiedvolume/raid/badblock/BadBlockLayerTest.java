package org.unifiedvolume.raid.badblock;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.Layer;
import org.unifiedvolume.raid.Rig;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.testkit.SimulatedDisk;

class BadBlockLayerTest {
    private static final int BLOCK = 4096;
    private static final int SECTOR = 512;
    private static final long LIST = BLOCK;
    private static final long DATA = 4 * BLOCK;
    private static final int BLOCKS = 300;
    private static final UUID MEMBER = new UUID(3, 4);

    private final Rig rig = new Rig();
    private final SimulatedDisk disk =
            new SimulatedDisk(
                    "disk",
                    new SimulatedDisk.Size(DATA + BLOCKS * BLOCK, SECTOR, SECTOR),
                    Locality.LOCAL,
                    rig.time,
                    new Random(1));
    private Switch member = new Switch(disk.open(rig.io));
    private boolean isOverdue;
    private BadBlockLayer layer = begin();

    /// Fails writes of the list, or of the data, when a test says so.
    private static final class Switch extends Layer {
        private boolean failsList;
        private boolean failsData;

        Switch(BlockDevice below) {
            super(below);
        }

        @Override
        public void submit(IoRequest request, Completion done) {
            boolean fails = request.offsetBytes() < DATA ? failsList : failsData;
            if (fails && request.tag().operation() == Operation.WRITE) {
                done.complete(request, Outcome.failed(DeviceFault.Kind.IO, "planted"));
            } else {
                below.submit(request, done);
            }
        }
    }

    private BadBlockLayer begin() {
        rig.write(member, LIST, BadBlockSlots.empty(MEMBER));
        rig.flush(member);
        return opened();
    }

    private BadBlockLayer opened() {
        try {
            return new BadBlockLayer(
                    member,
                    rig.io,
                    MEMBER,
                    new BadBlockLayer.Places(DATA, BLOCKS * BLOCK, LIST),
                    BadBlockSlots.decode(
                            MEMBER, disk.view(LIST, BadBlockSlots.AREA_BYTES), BLOCKS * BLOCK),
                    () -> isOverdue);
        } catch (DeviceFault fault) {
            throw new AssertionError(fault);
        }
    }

    /// The power is cut, and the next process opens the member.
    private void restart() {
        disk.powerCut();
        rig.time.runUntilIdle();
        member = new Switch(disk.open(rig.io));
        layer = opened();
    }

    @AfterEach
    void close() {
        rig.time.runUntilIdle();
        assertEquals(0, layer.underWayCount());
        rig.close();
    }

    private static byte[] bytes(int value, int blocks) {
        byte[] bytes = new byte[blocks * BLOCK];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private static long offset(int block) {
        return DATA + (long) block * BLOCK;
    }

    private DeviceFault mark(int block, int count) {
        List<DeviceFault> told = new ArrayList<>();
        layer.markLost((long) block * BLOCK, (long) count * BLOCK, told::add);
        rig.time.runUntilIdle();
        assertEquals(1, told.size());
        return told.getFirst();
    }

    private Outcome read(int block, int count) {
        int length = count * BLOCK;
        IoRequest.Read read =
                new IoRequest.Read(
                        rig.tag(layer, Operation.READ, offset(block), length),
                        offset(block),
                        length);
        Outcome outcome = rig.call(layer, read);
        outcome.discard();
        return outcome;
    }

    private void assertLost(int block, int count) {
        DeviceFault fault = assertInstanceOf(Outcome.Failed.class, read(block, count)).fault();
        assertEquals(DeviceFault.Kind.IO, fault.kind());
        assertTrue(fault.getMessage().contains("in the bad-block list"), fault.getMessage());
    }

    private void assertHolds(int block, int count, int value) {
        assertArrayEquals(bytes(value, count), rig.read(layer, offset(block), count * BLOCK));
    }

    @Test
    void whatIsLostFailsToBeReadAndItsNeighboursDoNot() {
        rig.write(layer, offset(9), bytes(1, 5));
        assertNull(mark(10, 2));
        assertLost(10, 1);
        assertLost(11, 1);
        assertLost(9, 5);
        assertHolds(9, 1, 1);
        assertHolds(12, 2, 1);
        restart();
        assertLost(10, 2);
    }

    @Test
    void whatIsWrittenAgainIsThereAgainAlsoAfterAPowerCut() {
        assertNull(mark(10, 3));
        assertEquals(Outcome.Done.DONE, rig.write(layer, offset(11), bytes(2, 1)));
        assertLost(10, 1);
        assertHolds(11, 1, 2);
        assertLost(12, 1);
        restart();
        assertLost(10, 1);
        assertHolds(11, 1, 2);
        assertEquals(Outcome.Done.DONE, rig.zero(layer, offset(0), BLOCKS * BLOCK));
        assertTrue(layer.listed().isEmpty());
        restart();
        assertHolds(0, BLOCKS, 0);
    }

    @Test
    void aPartOfABlockThatIsWrittenIsAllThatIsThereAgain() {
        assertNull(mark(10, 1));
        byte[] sector = Arrays.copyOf(bytes(3, 1), SECTOR);
        assertEquals(Outcome.Done.DONE, rig.write(layer, offset(10) + SECTOR, sector));
        assertArrayEquals(sector, rig.read(layer, offset(10) + SECTOR, SECTOR));
        assertLost(10, 1);
        assertEquals(2, layer.listed().ranges().size());
    }

    @Test
    void whatIsLostIsNeverCalledZero() {
        assertNull(mark(10, 2));
        IoRequest.Locate locate =
                new IoRequest.Locate(
                        rig.tag(layer, Operation.LOCATE, offset(8), 8 * BLOCK),
                        offset(8),
                        8 * BLOCK);
        Outcome.Located found = assertInstanceOf(Outcome.Located.class, rig.call(layer, locate));
        List<Extent> extents = found.extents();
        assertEquals(
                List.of(2L * BLOCK, 2L * BLOCK, 4L * BLOCK),
                extents.stream().map(Extent::lengthBytes).toList());
        assertEquals(
                List.of(true, false, true),
                extents.stream().map(extent -> extent.kind().readsZero()).toList());
    }

    @Test
    void aChangeOfAFullListFailsAndTheRowsStayLost() {
        for (int i = 0; i < BadBlocks.MAX_RANGES; i++) {
            assertNull(mark(2 * i, 1));
        }
        assertTrue(mark(290, 1).getMessage().contains("no room"));
        byte[] sector = new byte[SECTOR];
        Outcome split = rig.write(layer, offset(10) + SECTOR, sector);
        assertInstanceOf(Outcome.Failed.class, split);
        assertLost(10, 1);
        assertEquals(Outcome.Done.DONE, rig.write(layer, offset(10), bytes(1, 1)));
        assertNull(mark(290, 1));
    }

    @Test
    void whatCannotBeWrittenDownCountsAsLostUntilItCan() {
        rig.write(layer, offset(10), bytes(1, 1));
        member.failsList = true;
        assertTrue(mark(10, 1).getMessage().contains("planted"));
        assertLost(10, 1); // the list may say so, after all
        assertInstanceOf(Outcome.Failed.class, rig.write(layer, offset(10), bytes(2, 1)));
        assertLost(10, 1);
        member.failsList = false;
        assertEquals(Outcome.Done.DONE, rig.write(layer, offset(10), bytes(3, 1)));
        assertHolds(10, 1, 3);
        restart();
        assertHolds(10, 1, 3);
    }

    @Test
    void dataThatCouldNotBeWrittenStayLost() {
        assertNull(mark(10, 1));
        member.failsData = true;
        assertInstanceOf(Outcome.Failed.class, rig.write(layer, offset(10), bytes(2, 1)));
        member.failsData = false;
        assertLost(10, 1);
    }

    @Test
    void theListIsNotWrittenWhileAnOlderOneMayStillReachTheMember() {
        isOverdue = true;
        assertEquals(DeviceFault.Kind.TIMED_OUT, mark(10, 1).kind());
        isOverdue = false;
        assertNull(mark(11, 1));
        restart();
        assertLost(10, 1);
        assertLost(11, 1);
    }

    @Test
    void rowsThatAreNotThereCannotBeMarked() {
        assertEquals(DeviceFault.Kind.BAD_RANGE, mark(BLOCKS, 1).kind());
        assertEquals(DeviceFault.Kind.BAD_RANGE, mark(BLOCKS - 1, 2).kind());
        assertNull(mark(BLOCKS - 1, 1));
    }

    @Test
    void changesThatMeetEndInAnyOrderAndLoseNothing() {
        assertNull(mark(0, 20));
        List<Outcome> answers = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            IoRequest.Write write = rig.writeOf(layer, offset(i / 2), bytes(7, 2));
            layer.submit(write, (_, outcome) -> answers.add(outcome));
        }
        rig.time.runUntilIdle();
        assertEquals(20, answers.size());
        assertTrue(answers.stream().allMatch(Outcome::isSuccess));
        assertHolds(0, 11, 7);
        assertLost(11, 1);
        restart();
        assertHolds(0, 11, 7);
        assertLost(11, 1);
    }

    /// Whenever the power is cut, a row that was lost is lost, or holds all that was written: what
    /// lay there before is never shown.
    @Test
    void aPowerCutNeverShowsWhatLayThereBefore() {
        for (int cut = 0; cut < 60; cut++) {
            cutAfter(cut * 40_000L);
        }
    }

    private void cutAfter(long nanos) {
        rig.write(layer, offset(10), bytes(1, 4)); // what was there before
        rig.flush(layer);
        assertNull(mark(10, 4));
        List<Outcome> answers = new ArrayList<>();
        IoRequest.Write write = rig.writeOf(layer, offset(11), bytes(2, 2));
        layer.submit(write, (_, outcome) -> answers.add(outcome));
        rig.time.advance(nanos);
        boolean wasDone = !answers.isEmpty() && answers.getFirst().isSuccess();
        restart();
        assertLost(10, 1);
        assertLost(13, 1);
        boolean isLost = read(11, 2) instanceof Outcome.Failed;
        assertTrue(!isLost || !wasDone, "acknowledged as durable, and lost after " + nanos);
        if (!isLost) {
            assertHolds(11, 2, 2);
        }
        assertEquals(Outcome.Done.DONE, rig.write(layer, offset(10), bytes(1, 4)));
        assertTrue(layer.listed().isEmpty());
    }
}

package org.unifiedvolume.raid.integrity;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.raid.Rig;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.testkit.SimulatedDisk;
import org.unifiedvolume.testkit.SimulatedDisk.Faults;
import org.unifiedvolume.testkit.SimulatedDisk.Lies;

/// What a member that lies is found to have done, and what is not held against one that does not.
class IntegrityLayerTest {
    private static final int BLOCK = 4096;
    private static final long CHECKSUMS = BLOCK;
    private static final long DATA = 16 * BLOCK;
    private static final long DATA_BYTES = 2100L * BLOCK; // three blocks of checksums
    private static final UUID MEMBER = new UUID(3, 4);

    private final Rig rig = new Rig();
    private final SimulatedDisk disk =
            new SimulatedDisk(
                    "disk", DATA + DATA_BYTES, BLOCK, Locality.LOCAL, rig.time, new Random(1));
    private boolean isOverdue;
    private BlockDevice member = disk.open(rig.io);
    private IntegrityLayer layer = layer(true, Doubt.NONE);

    private IntegrityLayer layer(boolean zeroAtFirst, Doubt doubt) {
        return new IntegrityLayer(
                member,
                rig.io,
                MEMBER,
                new IntegrityLayer.Places(DATA, DATA_BYTES, CHECKSUMS, zeroAtFirst),
                doubt,
                () -> isOverdue,
                2);
    }

    /// As the next process sees it.
    private void reopen() {
        disk.processEnds();
        member = disk.open(rig.io);
        layer = layer(true, Doubt.NONE);
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

    private void write(int block, byte[] bytes) {
        assertEquals(Outcome.Done.DONE, rig.write(layer, DATA + (long) block * BLOCK, bytes));
    }

    private byte[] read(int block, int count) {
        return rig.read(layer, DATA + (long) block * BLOCK, count * BLOCK);
    }

    private void assertFound(int block) {
        long offset = DATA + (long) block * BLOCK;
        IoRequest.Read read =
                new IoRequest.Read(rig.tag(layer, Operation.READ, offset, BLOCK), offset, BLOCK);
        Outcome outcome = rig.call(layer, read);
        DeviceFault fault = assertInstanceOf(Outcome.Failed.class, outcome).fault();
        assertEquals(DeviceFault.Kind.IO, fault.kind());
        assertTrue(fault.getMessage().contains("checksum error"), fault.getMessage());
    }

    @Test
    void rotIsFoundAndMendedByWriting() {
        write(10, bytes(1, 4));
        disk.rot(DATA + 12 * BLOCK);
        assertFound(12);
        assertArrayEquals(bytes(1, 2), read(10, 2));
        assertEquals(1, layer.errorCount());
        write(12, bytes(2, 1));
        assertArrayEquals(bytes(2, 1), read(12, 1));
        reopen();
        assertArrayEquals(bytes(2, 1), read(12, 1));
    }

    @Test
    void rotOfWhatWasNeverWrittenIsFound() {
        assertArrayEquals(bytes(0, 1), read(100, 1));
        disk.rot(DATA + 100 * BLOCK);
        assertFound(100);
    }

    @Test
    void whatIsNotKnownIsNotHeldAgainstAMember() {
        layer = layer(false, Doubt.NONE);
        disk.rot(DATA + 100 * BLOCK);
        read(100, 1);
        assertTrue(layer.isKnownUnproven(DATA + 100 * BLOCK, BLOCK));
        write(100, bytes(1, 1));
        disk.rot(DATA + 100 * BLOCK);
        assertFound(100);
    }

    @Test
    void aLostWriteIsFound() {
        write(5, bytes(1, 1));
        disk.setFaults(Faults.NONE.lying(new Lies(0, 1, 1)));
        write(5, bytes(2, 1)); // either the data or the checksums are lost
        disk.setFaults(Faults.NONE);
        assertEquals(Outcome.Done.DONE, rig.flush(layer));
        disk.powerCut();
        member = disk.open(rig.io);
        layer = layer(true, Doubt.NONE);
        assertFound(5);
    }

    @Test
    void aMisdirectedWriteIsFoundAtBothPlaces() {
        for (int block = 0; block < 2100; block += 100) {
            write(block, bytes(1, 100));
        }
        disk.setFaults(Faults.NONE.lying(new Lies(1, 0, 1)));
        write(5, bytes(2, 1));
        disk.setFaults(Faults.NONE);
        reopen();
        assertFound(5);
        int found = 0;
        for (int block = 0; block < 2100; block++) {
            found += isBad(block) ? 1 : 0;
        }
        assertTrue(found >= 1, "at least where it should have gone");
        assertTrue(disk.flaws(DATA, DATA_BYTES).cardinality() <= found, "every flaw is found");
    }

    private boolean isBad(int block) {
        long offset = DATA + (long) block * BLOCK;
        Outcome outcome =
                rig.call(
                        layer,
                        new IoRequest.Read(
                                rig.tag(layer, Operation.READ, offset, BLOCK), offset, BLOCK));
        outcome.discard();
        return !outcome.isSuccess();
    }

    @Test
    void rotOfChecksumsFailsWhatTheyAreAbout() {
        write(0, bytes(1, 200));
        reopen();
        disk.rot(CHECKSUMS);
        assertFound(0);
        write(0, bytes(3, 1));
        assertArrayEquals(bytes(3, 1), read(0, 1));
        assertFound(1); // their sector was written anew, and still says that they are lost
        reopen();
        assertArrayEquals(bytes(3, 1), read(0, 1));
        assertFound(1);
        // Another block of checksums knows nothing of it.
        assertArrayEquals(bytes(0, 1), read(1016, 1));
    }

    @Test
    void unreadableChecksumsFailReadsUntilSomethingIsWritten() {
        write(0, bytes(1, 2));
        reopen();
        disk.spoil(CHECKSUMS);
        long offset = DATA;
        Outcome outcome =
                rig.call(
                        layer,
                        new IoRequest.Read(
                                rig.tag(layer, Operation.READ, offset, BLOCK), offset, BLOCK));
        assertInstanceOf(Outcome.Failed.class, outcome);
        write(0, bytes(2, 1));
        assertArrayEquals(bytes(2, 1), read(0, 1));
        assertFound(1);
    }

    @Test
    void zeroesAreKnownToBeZeroes() {
        write(3, bytes(1, 3));
        assertEquals(Outcome.Done.DONE, rig.zero(layer, DATA + 4 * BLOCK, BLOCK));
        assertArrayEquals(bytes(0, 1), read(4, 1));
        assertEquals(
                List.of(
                        new Extent(3 * BLOCK, Extent.Kind.ZERO),
                        new Extent(BLOCK, Extent.Kind.DATA),
                        new Extent(BLOCK, Extent.Kind.ZERO),
                        new Extent(BLOCK, Extent.Kind.DATA)),
                located(0, 6));
        disk.rot(DATA + 4 * BLOCK);
        assertFound(4);
        assertEquals(List.of(new Extent(BLOCK, Extent.Kind.DATA)), located(4, 1));
    }

    @Test
    void whatTheMemberCallsZeroesButWasWrittenIsData() {
        write(3, bytes(1, 1));
        // As if the write had never been done.
        assertEquals(Outcome.Done.DONE, rig.zero(member, DATA + 3 * BLOCK, BLOCK));
        assertEquals(List.of(new Extent(BLOCK, Extent.Kind.DATA)), located(3, 1));
        assertFound(3);
    }

    private List<Extent> located(int block, int count) {
        long offset = DATA + (long) block * BLOCK;
        long length = (long) count * BLOCK;
        Outcome outcome =
                rig.call(
                        layer,
                        new IoRequest.Locate(
                                rig.tag(layer, Operation.LOCATE, offset, length), offset, length));
        List<Extent> joined = new ArrayList<>();
        assertInstanceOf(Outcome.Located.class, outcome)
                .extents()
                .forEach(extent -> extent.appendTo(joined));
        return joined;
    }

    @Test
    void aReadThatMeetsAWriteWaitsForIt() {
        write(0, bytes(1, 16));
        for (int i = 0; i < 200; i++) {
            List<Outcome> answers = new ArrayList<>();
            byte[] next = bytes(2 + i % 100, 16);
            layer.submit(rig.writeOf(layer, DATA, next), (_, outcome) -> answers.add(outcome));
            long offset = DATA + (long) (i % 16) * BLOCK;
            byte[] found = rig.read(layer, offset, BLOCK);
            assertTrue(
                    Arrays.equals(found, bytes(2 + i % 100, 1))
                            || Arrays.equals(found, bytes(i == 0 ? 1 : 2 + (i - 1) % 100, 1)));
            rig.time.runUntilIdle();
            assertEquals(List.of(Outcome.Done.DONE), answers);
        }
        assertEquals(0, layer.errorCount());
    }

    @Test
    void writesOfOneBlockOfChecksumsGoTogether() {
        List<Outcome> answers = new ArrayList<>();
        int count = 64;
        for (int i = 0; i < count; i++) {
            layer.submit(
                    rig.writeOf(layer, DATA + (long) i * BLOCK, bytes(i + 1, 1)),
                    (_, outcome) -> answers.add(outcome));
        }
        rig.time.runUntilIdle();
        assertEquals(count, answers.size());
        long checksumWrites = disk.writtenBytes() / BLOCK - count;
        assertTrue(checksumWrites <= 3, checksumWrites + " writes of checksums");
        reopen();
        for (int i = 0; i < count; i++) {
            assertArrayEquals(bytes(i + 1, 1), read(i, 1));
        }
    }

    @Test
    void aWriteWhoseChecksumsFailHasFailedAndTheNextFlushTriesThemAgain() {
        write(0, bytes(1, 1));
        disk.setFaults(new Faults(0, 1, 0, 0, 0, 0));
        assertInstanceOf(Outcome.Failed.class, rig.write(layer, DATA, bytes(2, 1)));
        assertInstanceOf(Outcome.Failed.class, rig.flush(layer));
        disk.setFaults(Faults.NONE);
        assertEquals(Outcome.Done.DONE, rig.flush(layer));
        write(1, bytes(5, 1));
        reopen();
        assertArrayEquals(bytes(5, 1), read(1, 1));
    }

    @Test
    void checksumsThatFailedAreWrittenAnewUntilNothingOlderCanComeLate() {
        disk.setFaults(new Faults(0, 1, 0, 0, 0, 0));
        assertInstanceOf(Outcome.Failed.class, rig.write(layer, DATA, bytes(2, 1)));
        disk.setFaults(Faults.NONE);
        isOverdue = true;
        long before = disk.writtenBytes();
        for (int i = 1; i <= 3; i++) {
            assertEquals(Outcome.Done.DONE, rig.flush(layer));
            assertEquals(before + (long) i * BLOCK, disk.writtenBytes());
        }
        isOverdue = false;
        for (int i = 0; i < 3; i++) {
            assertEquals(Outcome.Done.DONE, rig.flush(layer));
            assertEquals(before + 4L * BLOCK, disk.writtenBytes());
        }
    }

    @Test
    void memoryForChecksumsHasACeiling() {
        for (int block = 0; block < 2100; block += 70) {
            write(block, bytes(block % 100 + 1, 1));
        }
        for (int round = 0; round < 2; round++) {
            for (int block = 0; block < 2100; block += 70) {
                assertArrayEquals(bytes(block % 100 + 1, 1), read(block, 1));
            }
            assertTrue(layer.residentCount() <= 2, layer.residentCount() + " in memory");
        }
    }

    @Test
    void whatLiesOutsideOfTheDataPassesThrough() {
        byte[] superblock = bytes(9, 2);
        assertEquals(Outcome.Done.DONE, rig.write(layer, 8 * BLOCK, superblock));
        assertArrayEquals(superblock, rig.read(layer, 8 * BLOCK, superblock.length));
        assertArrayEquals(superblock, rig.read(member, 8 * BLOCK, superblock.length));
    }

    @Test
    void doubtfulBlocksThatDoNotFitFailButCountAsNoErrors() {
        write(0, bytes(1, 3));
        disk.rot(DATA + BLOCK);
        layer = layer(true, row -> row < 2 * BLOCK);
        assertFound(1);
        assertEquals(0, layer.errorCount());
    }

    @Test
    void comparesBytesFromElsewhereWithItsChecksums() {
        byte[] written = bytes(1, 3);
        write(0, written);
        disk.rot(DATA + BLOCK);
        reopen();
        assertTrue(isRight(0, written));
        written[2 * BLOCK] ^= 1;
        assertFalse(isRight(0, written));
        assertTrue(isRight(5, new byte[BLOCK]));
        assertFalse(isRight(5, bytes(1, 1)));
    }

    private static Buffers inMemory(byte[] bytes) {
        MemorySegment memory = Arena.ofAuto().allocate(bytes.length);
        memory.copyFrom(MemorySegment.ofArray(bytes));
        return Buffers.outsidePool(memory);
    }

    private boolean isRight(long number, byte[] bytes) {
        boolean[] answer = new boolean[1];
        layer.compare(
                DATA + number * BLOCK,
                inMemory(bytes),
                (areRight, fault) -> {
                    assertNull(fault);
                    answer[0] = areRight;
                });
        rig.time.runUntilIdle();
        return answer[0];
    }
}

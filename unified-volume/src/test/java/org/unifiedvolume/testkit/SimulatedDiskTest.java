package org.unifiedvolume.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.request.RequestIds;
import org.unifiedvolume.testkit.SimulatedDisk.Faults;
import org.unifiedvolume.testkit.SimulatedDisk.Lies;

/// The disk of the simulations does what it is told to do wrong, and keeps book of it.
class SimulatedDiskTest {
    private static final int BLOCK = 4096;
    private static final int SECTOR = 512;
    private static final int BLOCKS = 16;

    private final VirtualTime time = new VirtualTime();
    private final IoContext io =
            new IoContext(new BufferPool(1 << 20, true), time, new RequestIds());
    private final FaultCounts counts = new FaultCounts();
    private SimulatedDisk disk = newDisk("disk", 1);
    private BlockDevice device = disk.open(io);

    private SimulatedDisk newDisk(String name, long seed) {
        SimulatedDisk made =
                new SimulatedDisk(
                        name,
                        new SimulatedDisk.Size(BLOCKS * BLOCK, BLOCK, SECTOR),
                        Locality.LOCAL,
                        time,
                        new Random(seed));
        made.observe(counts, EventLog.OFF);
        return made;
    }

    @AfterEach
    void nothingIsLeaked() {
        time.runUntilIdle();
        assertEquals(0, io.pool().outstandingBytes());
        io.pool().close();
    }

    private Outcome call(IoRequest request) {
        Outcome[] answer = new Outcome[1];
        device.submit(request, (_, outcome) -> answer[0] = outcome);
        while (answer[0] == null && time.step()) {
            // each step does the work
        }
        return answer[0];
    }

    private IoTag tag(Operation operation, long offset, long length) {
        return new IoTag(io.ids().next(), 0, operation, Locality.LOCAL, offset, length, 1, 0);
    }

    private Outcome write(int block, int value) {
        byte[] bytes = filled(value);
        return call(
                new IoRequest.Write(
                        tag(Operation.WRITE, (long) block * BLOCK, BLOCK),
                        (long) block * BLOCK,
                        Buffers.outsidePool(MemorySegment.ofArray(bytes)),
                        Durability.VOLATILE));
    }

    private static byte[] filled(int value) {
        byte[] bytes = new byte[BLOCK];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private Outcome flush() {
        return call(new IoRequest.Flush(tag(Operation.FLUSH, 0, 0)));
    }

    private Outcome readOutcome(int block) {
        long offset = (long) block * BLOCK;
        return call(new IoRequest.Read(tag(Operation.READ, offset, BLOCK), offset, BLOCK));
    }

    private byte[] read(int block) {
        Outcome.Data data = assertInstanceOf(Outcome.Data.class, readOutcome(block));
        byte[] bytes = data.buffers().toBytes();
        data.buffers().release();
        return bytes;
    }

    private void restart() {
        disk.powerCut();
        device = disk.open(io);
    }

    @Test
    void aPowerCutTearsBlocksBetweenTheirSectorsButNeverWhatWasFlushed() {
        for (int seed = 0; seed < 200; seed++) {
            disk = newDisk("disk", seed);
            device = disk.open(io);
            write(0, 1);
            flush();
            write(0, 2);
            restart();
            byte[] found = read(0);
            for (int at = 0; at < BLOCK; at++) {
                assertTrue(found[at] == 1 || found[at] == 2);
                assertEquals(found[at - at % SECTOR], found[at], "within a sector");
            }
        }
        assertTrue(counts.of(DiskFault.TORN_BLOCK) > 0);
        assertTrue(counts.of(DiskFault.LOST_CHANGE) > 0);
    }

    @Test
    void anUnreadableSectorFailsReadsUntilItIsWritten() {
        write(3, 7);
        disk.spoil(3 * BLOCK + 2 * SECTOR);
        assertFalse(disk.isSound(3 * BLOCK, BLOCK));
        Outcome.Failed failed = assertInstanceOf(Outcome.Failed.class, readOutcome(3));
        assertEquals(DeviceFault.Kind.IO, failed.fault().kind());
        assertArrayEquals(new byte[BLOCK], read(4));
        write(3, 8);
        assertTrue(disk.isSound(0, BLOCKS * BLOCK));
        assertArrayEquals(filled(8), read(3));
    }

    @Test
    void rotFlipsOneBitAndOutlivesAPowerCutUntilTheSectorIsRewrittenDurably() {
        write(5, 9);
        flush();
        disk.rot(5 * BLOCK);
        byte[] found = read(5);
        int flipped = 0;
        for (byte b : found) {
            flipped += Integer.bitCount((b ^ 9) & 0xFF);
        }
        assertEquals(1, flipped);
        write(5, 9);
        assertTrue(disk.isSound(5 * BLOCK, BLOCK));
        // Whether the rewriting or the rot is there after that, the book says.
        for (int i = 0; i < 20; i++) {
            restart();
            assertEquals(Arrays.equals(filled(9), read(5)), disk.isSound(5 * BLOCK, BLOCK));
        }
        write(5, 9);
        flush();
        restart();
        assertTrue(disk.isSound(5 * BLOCK, BLOCK));
        assertArrayEquals(filled(9), read(5));
    }

    @Nested
    class AWriteThatGoesAstray {
        @Test
        void isLostThoughItWasAcknowledgedAndFlushed() {
            write(1, 1);
            flush();
            disk.setFaults(Faults.NONE.lying(new Lies(0, 1, 1)));
            assertInstanceOf(Outcome.Done.class, write(1, 2));
            assertInstanceOf(Outcome.Done.class, flush());
            assertArrayEquals(filled(1), read(1));
            assertFalse(disk.isSound(BLOCK, BLOCK));
            restart();
            assertFalse(disk.isSound(BLOCK, BLOCK));
            // No more than one.
            write(1, 3);
            assertArrayEquals(filled(3), read(1));
            assertTrue(disk.isSound(0, BLOCKS * BLOCK));
            assertEquals(1, counts.of(DiskFault.LOST_WRITE));
        }

        @Test
        void landsElsewhereOnTheDisk() {
            disk.setFaults(Faults.NONE.lying(new Lies(1, 0, 1)));
            assertInstanceOf(Outcome.Done.class, write(1, 2));
            byte[] all = disk.view();
            int landed = 0;
            for (int at = 0; at < all.length; at++) {
                if (all[at] == 2) {
                    landed++;
                    assertFalse(disk.isSound(at - at % SECTOR, SECTOR));
                }
            }
            assertEquals(BLOCK, landed);
            assertNotEquals(2, all[BLOCK]);
            assertFalse(disk.isSound(BLOCK, SECTOR));
        }
    }

    @Nested
    class ADiskThatLeaves {
        @Test
        void comesBackWithWhatItHad() {
            write(1, 1);
            disk.setFaults(new Faults(0, 0, 0, 0, 0, 1).returning(50_000_000, false));
            Outcome.Failed failed = assertInstanceOf(Outcome.Failed.class, write(2, 2));
            assertEquals(DeviceFault.Kind.DISCONNECTED, failed.fault().kind());
            disk.setFaults(Faults.NONE);
            time.advance(60_000_000);
            assertFalse(disk.isOffline());
            assertArrayEquals(filled(1), read(1));
            assertEquals(1, counts.of(DiskFault.RETURN));
        }

        @Test
        void forgetsOnlyAfterSomebodyWasToldThatItIsGone() {
            write(1, 1);
            flush();
            write(1, 2);
            disk.setFaults(new Faults(0, 0, 0, 0, 0, 1).returning(0, true));
            Outcome[] answer = new Outcome[1];
            device.submit(
                    new IoRequest.Flush(tag(Operation.FLUSH, 0, 0)),
                    (_, outcome) -> answer[0] = outcome);
            disk.setFaults(Faults.NONE);
            while (answer[0] == null && time.step()) {
                assertEquals(0, disk.isOffline() ? counts.of(DiskFault.FORGET) : 0);
            }
            assertInstanceOf(Outcome.Failed.class, answer[0]);
            time.runUntilIdle();
            assertFalse(disk.isOffline());
            assertEquals(1, counts.of(DiskFault.FORGET));
            byte found = read(1)[0];
            assertTrue(found == 1 || found == 2);
        }
    }

    @Test
    void aDiskIsSetBackToWhatItWas() {
        write(1, 1);
        disk.rot(2 * BLOCK);
        SimulatedDisk.Snapshot before = disk.snapshot();
        write(1, 2);
        write(2, 2);
        disk.spoil(3 * BLOCK);
        disk.processEnds();
        disk.restore(before);
        device = disk.open(io);
        assertArrayEquals(filled(1), read(1));
        assertArrayEquals(new byte[BLOCK], read(3));
        assertFalse(disk.isSound(2 * BLOCK, BLOCK));
        restart();
        assertArrayEquals(filled(1), read(1));
    }

    @Test
    void disksChangePlacesWithAllThatTheyHold() {
        SimulatedDisk other = newDisk("other", 2);
        write(1, 1);
        disk.processEnds();
        disk.swap(other);
        device = disk.open(io);
        assertArrayEquals(new byte[BLOCK], read(1));
        device = other.open(io);
        assertArrayEquals(filled(1), read(1));
    }

    @Test
    void aSlowDiskTakesItsTimeAndHangsAreCounted() {
        disk.setFaults(Faults.NONE.slow(1_000_000_000));
        long began = time.nanoTime();
        for (int i = 0; i < 20; i++) {
            write(0, i);
        }
        assertTrue(time.nanoTime() - began > 1_000_000_000);
        disk.setFaults(new Faults(0, 0, 0, 1, 5_000_000_000L, 0));
        began = time.nanoTime();
        write(0, 1);
        assertTrue(time.nanoTime() - began >= 5_000_000_000L);
        assertEquals(1, counts.of(DiskFault.HANG));
    }

    @Test
    void itCountsTheBytesThatTravel() {
        write(0, 1);
        write(1, 1);
        read(0);
        assertEquals(2 * BLOCK, disk.writtenBytes());
        assertEquals(BLOCK, disk.readBytes());
    }
}

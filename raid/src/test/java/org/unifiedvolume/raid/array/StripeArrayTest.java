package org.unifiedvolume.raid.array;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.raid.Rig;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.SimulatedDisk;
import org.unifiedvolume.testkit.SimulatedDisk.Faults;

@Isolated("it counts what the whole process copies")
class StripeArrayTest {
    private static final int CHUNK = 4096;

    private final Rig rig = new Rig();
    private final Random random = new Random(3);

    @AfterEach
    void everythingIsReleased() {
        rig.time.runUntilIdle();
        rig.close();
    }

    @Test
    void aLongRequestHasOneChildForEachMemberAndCopiesNothing() throws IOException {
        MemoryDevice one = rig.memory(20 * CHUNK, Locality.LOCAL);
        MemoryDevice other = rig.memory(20 * CHUNK, Locality.REMOTE);
        StripeArray array = StripeArray.of(rig.members(List.of(one, other)), CHUNK, rig.context());
        IoRequest.Write write = rig.writeOf(array, 100, new byte[10 * CHUNK]);
        long before = Buffers.copiedBytes();
        rig.call(array, write);
        assertEquals(10 * CHUNK, Buffers.copiedBytes() - before, "only the members copy");
        before = Buffers.copiedBytes();
        IoRequest.Read read =
                new IoRequest.Read(
                        rig.tag(array, Operation.READ, 100, 10 * CHUNK), 100, 10 * CHUNK);
        rig.call(array, read).discard();
        assertEquals(10 * CHUNK, Buffers.copiedBytes() - before, "only the members copy");
        for (MemoryDevice member : List.of(one, other)) {
            assertEquals(2, member.asked().size(), "a write and a read");
            for (IoRequest child : member.asked()) {
                boolean isWrite = child instanceof IoRequest.Write;
                assertEquals((isWrite ? write : read).tag().id(), child.tag().parentId());
                assertEquals(
                        member == one ? Locality.LOCAL : Locality.REMOTE, child.tag().locality());
            }
        }
        assertEquals(Locality.MIXED, write.tag().locality());
    }

    @Test
    void aRequestWithinAChunkKeepsItsTag() throws IOException {
        MemoryDevice one = rig.memory(20 * CHUNK, Locality.LOCAL);
        MemoryDevice other = rig.memory(20 * CHUNK, Locality.REMOTE);
        StripeArray array = StripeArray.of(rig.members(List.of(one, other)), CHUNK, rig.context());
        IoRequest.Write write = rig.writeOf(array, 3 * CHUNK + 7, new byte[100]);
        rig.call(array, write);
        assertEquals(write.at(CHUNK + 7), other.asked().getLast());
        assertEquals(Locality.REMOTE, write.tag().locality());
    }

    @Test
    void extentsAreDealtOutInTheOrderOfTheArray() throws IOException {
        StripeArray array = simulated(Faults.NONE);
        int chunks = (int) (array.shape().sizeBytes() / CHUNK);
        boolean[] holdsData = new boolean[chunks];
        for (int i = 0; i < chunks; i++) {
            holdsData[i] = random.nextInt(3) == 0;
            if (holdsData[i]) {
                byte[] bytes = new byte[CHUNK];
                bytes[random.nextInt(CHUNK)] = 1;
                rig.write(array, (long) i * CHUNK, bytes);
            }
        }
        for (int first = 0; first < chunks; first++) {
            for (int count = 1; count <= chunks - first; count++) {
                checkExtents(array, first, count, holdsData);
            }
        }
    }

    private void checkExtents(StripeArray array, int first, int count, boolean[] holdsData) {
        long offset = (long) first * CHUNK;
        long length = (long) count * CHUNK;
        IoRequest locate =
                new IoRequest.Locate(
                        rig.tag(array, Operation.LOCATE, offset, length), offset, length);
        List<Extent> extents =
                assertInstanceOf(Outcome.Located.class, rig.call(array, locate)).extents();
        int chunk = first;
        for (Extent extent : extents) {
            for (long done = 0; done < extent.lengthBytes(); done += CHUNK) {
                assertEquals(holdsData[chunk], !extent.kind().readsZero(), "chunk " + chunk);
                chunk++;
            }
        }
        assertEquals(first + count, chunk);
    }

    @Test
    void aMembersFailureIsTheRequestsAndNothingIsLeaked() throws IOException {
        StripeArray array = simulated(new Faults(0.3, 0.3, 0.3, 0, 0, 0));
        int failures = 0;
        for (int i = 0; i < 60; i++) {
            int length = (1 + random.nextInt(9)) * CHUNK;
            IoRequest read =
                    new IoRequest.Read(rig.tag(array, Operation.READ, 0, length), 0, length);
            Outcome outcome = rig.call(array, read);
            if (outcome instanceof Outcome.Failed(DeviceFault fault)) {
                failures++;
                assertEquals(DeviceFault.Kind.IO, fault.kind());
                assertTrue(fault.getMessage().startsWith("disk"), fault.getMessage());
            }
            outcome.discard();
        }
        assertTrue(failures > 10 && failures < 60, failures + " of 60");
    }

    private StripeArray simulated(Faults faults) throws IOException {
        List<BlockDevice> disks = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            SimulatedDisk disk =
                    new SimulatedDisk(
                            "disk" + i, 4 * CHUNK, CHUNK, Locality.LOCAL, rig.time, random);
            disk.setFaults(faults);
            disks.add(disk.open(rig.io));
        }
        return StripeArray.of(rig.members(disks), CHUNK, rig.context());
    }
}

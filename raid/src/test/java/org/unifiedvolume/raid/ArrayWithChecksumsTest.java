package org.unifiedvolume.raid;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.config.Place;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.spi.Kinds;
import org.unifiedvolume.spi.LayoutContext;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.spi.ManagedArray;
import org.unifiedvolume.spi.VolumeOptions;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.Seeds;

/// Arrays that users ask to have checksums: what rots on one leg is read from the other, mended and
/// told of; what rots on all is an error.
@Timeout(60)
class ArrayWithChecksumsTest {
    private static final long MEMBER_BYTES = 4 << 20;
    private static final int LENGTH = 64 << 10;

    @TempDir private Path folder;

    private final Rig rig = new Rig();
    private final MemoryDevice one = rig.memory(MEMBER_BYTES, Locality.LOCAL);
    private final MemoryDevice other = rig.memory(MEMBER_BYTES, Locality.REMOTE);
    private final byte[] written = new byte[LENGTH];

    private BlockDevice start(String level, String... keysAndValues) throws Exception {
        Map<String, VolumeOptions.Value> values = new TreeMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            values.put(
                    keysAndValues[i],
                    new VolumeOptions.Value(Place.COMMAND_LINE, keysAndValues[i + 1]));
        }
        List<LayoutMember> members = List.of(rig.member("m0", one, 0), rig.member("m1", other, 0));
        return Kinds.find()
                .layout(Place.COMMAND_LINE, level)
                .plan(new VolumeOptions(Place.COMMAND_LINE, "v", level, values), 2)
                .assemble(members, new LayoutContext("v", folder, rig.io));
    }

    private BlockDevice startAndWrite(String level) throws Exception {
        BlockDevice array = start(level, "integrity", "crc32c", "assume-clean", "true");
        Seeds.random(1).nextBytes(written);
        assertEquals(Outcome.Done.DONE, rig.write(array, 0, written));
        return array;
    }

    @AfterEach
    void close() {
        rig.close();
    }

    /// Where a leg keeps the first bytes that were written.
    private long dataOf(MemoryDevice leg) {
        for (long at = 0; at < MEMBER_BYTES; at += 4096) {
            if (MemorySegment.mismatch(
                            leg.content(), at, at + 4096, MemorySegment.ofArray(written), 0, 4096)
                    < 0) {
                return at;
            }
        }
        throw new AssertionError("not there");
    }

    private static void rot(MemoryDevice leg, long at) {
        byte now = leg.content().get(ValueLayout.JAVA_BYTE, at);
        leg.content().set(ValueLayout.JAVA_BYTE, at, (byte) (now ^ 4));
    }

    private static Map<?, ?> leg(BlockDevice array, int role) {
        return (Map<?, ?>) ((List<?>) ((ManagedArray) array).detail().get("legs")).get(role);
    }

    @Test
    void rotOnOneLegIsMendedAndCounted() throws Exception {
        for (String level : List.of("raid1", "raid10")) {
            BlockDevice array = startAndWrite(level);
            assertEquals(4096, array.shape().blockBytes());
            assertEquals("crc32c", ((ManagedArray) array).detail().get("integrity"));
            long data = dataOf(one);
            rot(one, data + 20_000);

            assertArrayEquals(written, rig.read(array, 0, LENGTH));

            assertEquals(1L, leg(array, 0).get("checksum-errors"));
            assertEquals(0L, leg(array, 1).get("checksum-errors"));
            byte[] held = new byte[LENGTH];
            do {
                Thread.sleep(1);
                MemorySegment.copy(one.content(), ValueLayout.JAVA_BYTE, data, held, 0, LENGTH);
            } while (!Arrays.equals(held, written));
            array.close();
            one.content().fill((byte) 0);
            other.content().fill((byte) 0);
        }
    }

    @Test
    void whatIsWrongOnAllLegsIsAnErrorAndNotBytes() throws Exception {
        BlockDevice array = startAndWrite("raid1");
        rot(one, dataOf(one) + 4096);
        rot(other, dataOf(other) + 5000);
        IoRequest.Read read =
                new IoRequest.Read(rig.tag(array, Operation.READ, 4096, 4096), 4096, 4096);
        DeviceFault fault = assertInstanceOf(Outcome.Failed.class, rig.call(array, read)).fault();
        assertEquals(DeviceFault.Kind.IO, fault.kind());
        assertTrue(fault.getMessage().contains("checksum error"), fault.getMessage());
        byte[] anew = new byte[4096];
        // A repair that is still being tried may hold the place for a moment.
        CompletableFuture<Outcome> answer = new CompletableFuture<>();
        array.submit(rig.writeOf(array, 4096, anew), (_, outcome) -> answer.complete(outcome));
        assertEquals(Outcome.Done.DONE, answer.get());
        assertArrayEquals(anew, rig.read(array, 4096, 4096));
        array.close();
    }

    @Test
    void checksumsAreFoundAgainAfterAStop() throws Exception {
        startAndWrite("raid1").close();
        rot(one, dataOf(one));
        BlockDevice again = start("raid1");
        assertEquals("crc32c", ((ManagedArray) again).detail().get("integrity"));
        assertArrayEquals(written, rig.read(again, 0, LENGTH));
        assertEquals(1L, leg(again, 0).get("checksum-errors"));
        again.close();
    }

    @Test
    void whoAsksForChecksumsOfAnArrayWithoutIsTold() throws Exception {
        start("raid1", "assume-clean", "true").close();
        IOException refusal =
                assertThrows(IOException.class, () -> start("raid1", "integrity", "crc32c"));
        assertTrue(
                refusal.getMessage().contains("made without checksums; leave that out"),
                refusal.getMessage());
    }
}

package org.unifiedvolume.raid.array;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.raid.Rig;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.testkit.MemoryDevice;

/// Every range of small arrays, against the plain definition of where each byte lives.
class ArraySweepTest {
    /// Where a byte of the array lives, by definition.
    private interface Home {
        /// The member and the offset on it.
        int[] of(int offset);
    }

    /// One array under test, and what its definition says of it.
    private record Shape(BlockDevice array, List<MemoryDevice> devices, int size, Home home) {}

    private final Random random = new Random(7);

    @Test
    void everyRangeOfEverySmallStripeIsWhereItsDefinitionSays() throws IOException {
        for (int members = 1; members <= 5; members++) {
            for (int chunk : new int[] {1, 2, 4}) {
                for (int chunks = 1; chunks <= 3; chunks++) {
                    try (Rig rig = new Rig()) {
                        sweep(rig, stripe(rig, members, chunk, chunks));
                    }
                }
            }
        }
    }

    @Test
    void everyRangeOfEverySmallLinearArrayIsWhereItsDefinitionSays() throws IOException {
        int[][] shapes = {{9}, {1, 1}, {5, 3}, {1, 7, 2}, {4, 4, 4, 4}, {3, 1, 2, 5, 1}};
        for (int[] sizes : shapes) {
            try (Rig rig = new Rig()) {
                sweep(rig, linear(rig, sizes));
            }
        }
    }

    private Shape stripe(Rig rig, int members, int chunk, int chunks) throws IOException {
        List<MemoryDevice> devices = new ArrayList<>();
        for (int i = 0; i < members; i++) {
            // Unlike sizes: what is beyond the smallest in whole chunks is not used.
            int more = i == members - 1 ? chunk - 1 : random.nextInt(3 * chunk);
            devices.add(rig.memory((long) chunk * chunks + more, localityOf(i)));
        }
        BlockDevice array = StripeArray.of(rig.members(devices), chunk, rig.context());
        return new Shape(
                array,
                devices,
                members * chunk * chunks,
                at -> {
                    int number = at / chunk;
                    return new int[] {number % members, number / members * chunk + at % chunk};
                });
    }

    private Shape linear(Rig rig, int[] sizes) throws IOException {
        List<MemoryDevice> devices = new ArrayList<>();
        int total = 0;
        for (int i = 0; i < sizes.length; i++) {
            devices.add(rig.memory(sizes[i], localityOf(i)));
            total += sizes[i];
        }
        BlockDevice array = LinearArray.of(rig.members(devices), rig.context());
        return new Shape(
                array,
                devices,
                total,
                at -> {
                    int member = 0;
                    int left = at;
                    while (left >= sizes[member]) {
                        left -= sizes[member];
                        member++;
                    }
                    return new int[] {member, left};
                });
    }

    /// LOCAL, LOCAL, REMOTE, LOCAL, LOCAL: neighbours alike and unlike.
    private static Locality localityOf(int member) {
        return member == 2 ? Locality.REMOTE : Locality.LOCAL;
    }

    private void sweep(Rig rig, Shape shape) {
        assertEquals(shape.size, shape.array.shape().sizeBytes());
        byte[] model = new byte[shape.size];
        for (int offset = 0; offset < shape.size; offset++) {
            for (int length = 1; length <= shape.size - offset; length++) {
                byte[] bytes = new byte[length];
                random.nextBytes(bytes);
                assertEquals(Outcome.Done.DONE, rig.write(shape.array, offset, bytes));
                System.arraycopy(bytes, 0, model, offset, length);
                assertArrayEquals(model, byDefinition(shape), () -> "written to " + shape);
                assertArrayEquals(bytes, rig.read(shape.array, offset, length));
                checkLocality(shape, offset, length);
            }
        }
        byte[] all = rig.read(shape.array, 0, shape.size);
        for (int offset = 0; offset < shape.size; offset++) {
            for (int length = 1; length <= shape.size - offset; length++) {
                byte[] part = new byte[length];
                System.arraycopy(all, offset, part, 0, length);
                assertArrayEquals(part, rig.read(shape.array, offset, length));
                assertEquals(Outcome.Done.DONE, rig.zero(shape.array, offset, length));
                System.arraycopy(new byte[length], 0, model, offset, length);
                assertArrayEquals(model, byDefinition(shape));
                rig.write(shape.array, offset, part);
                System.arraycopy(part, 0, model, offset, length);
            }
        }
    }

    private static byte[] byDefinition(Shape shape) {
        byte[] bytes = new byte[shape.size];
        for (int at = 0; at < shape.size; at++) {
            int[] home = shape.home.of(at);
            bytes[at] =
                    shape.devices
                            .get(home[0])
                            .content()
                            .get(java.lang.foreign.ValueLayout.JAVA_BYTE, home[1]);
        }
        return bytes;
    }

    private static void checkLocality(Shape shape, int offset, int length) {
        Locality expected = localityAt(shape, offset);
        for (int at = offset; at < offset + length; at++) {
            expected = expected.and(localityAt(shape, at));
        }
        assertEquals(expected, shape.array.locality(Operation.READ, offset, length));
        int run = 1;
        while (offset + run < shape.size
                && localityAt(shape, offset + run) == localityAt(shape, offset)) {
            run++;
        }
        assertEquals(run, shape.array.localityRun(offset));
    }

    private static Locality localityAt(Shape shape, int offset) {
        return localityOf(shape.home.of(offset)[0]);
    }
}

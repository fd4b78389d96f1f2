package org.unifiedvolume.raid.mirror;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.device.DeviceStatus.State;
import org.unifiedvolume.raid.Rig;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.testkit.MemoryDevice;

class MirrorArrayTest {
    private final Random random = new Random(11);

    @Test
    void everyRangeOfASmallMirrorIsOnEveryLeg() throws IOException {
        for (int legs = 2; legs <= 4; legs++) {
            try (MirrorRig mirror = new MirrorRig()) {
                sweep(mirror, legs);
            }
        }
    }

    private void sweep(MirrorRig mirror, int legs) throws IOException {
        int size = 16;
        Rig rig = mirror.rig;
        MemoryDevice[] devices = new MemoryDevice[legs];
        for (int i = 0; i < legs; i++) {
            devices[i] = rig.memory(size, i == 1 ? Locality.REMOTE : Locality.LOCAL);
        }
        MirrorArray array = mirror.open(MirrorRig.ASSUME_CLEAN, devices);
        byte[] model = new byte[size];
        for (int offset = 0; offset < size; offset++) {
            for (int length = 1; length <= size - offset; length++) {
                byte[] bytes = new byte[length];
                random.nextBytes(bytes);
                assertEquals(Outcome.Done.DONE, rig.write(array, offset, bytes));
                System.arraycopy(bytes, 0, model, offset, length);
                for (MemoryDevice device : devices) {
                    assertArrayEquals(model, Rig.contentOf(device));
                }
                assertArrayEquals(bytes, rig.read(array, offset, length));
                if (length % 3 == 0) {
                    assertEquals(Outcome.Done.DONE, rig.zero(array, offset, length - 1));
                    Arrays.fill(model, offset, offset + length - 1, (byte) 0);
                    for (MemoryDevice device : devices) {
                        assertArrayEquals(model, Rig.contentOf(device));
                    }
                }
            }
        }
        assertEquals(Outcome.Done.DONE, rig.flush(array));
        assertEquals(State.ONLINE, array.status().state());
        array.close();
    }
}

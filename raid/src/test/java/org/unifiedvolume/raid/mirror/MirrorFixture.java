package org.unifiedvolume.raid.mirror;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.unifiedvolume.device.DeviceStatus;
import org.unifiedvolume.raid.Rig;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.testkit.MemoryDevice;

/// What tests of a mirror share: a local leg `a` and a remote leg `b`, both of which can misbehave.
abstract class MirrorFixture {
    static final int SIZE = 64 << 10;

    final MirrorRig mirror = new MirrorRig();
    final Rig rig = mirror.rig;
    final MemoryDevice local = rig.memory(SIZE, Locality.LOCAL);
    final MemoryDevice remote = rig.memory(SIZE, Locality.REMOTE);
    final FaultyDevice a = new FaultyDevice(local);
    final FaultyDevice b = new FaultyDevice(remote);
    final Random random = new Random(11);

    @AfterEach
    void everythingIsReleased() {
        a.letGo();
        b.letGo();
        mirror.close();
    }

    final byte[] bytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    final MirrorArray open() throws IOException {
        return mirror.open(MirrorRig.ASSUME_CLEAN, a, b);
    }

    static DeviceStatus leg(MirrorArray array, int index) {
        return array.status().children().get(index);
    }

    static DeviceFault faultOf(Outcome outcome) {
        return assertInstanceOf(Outcome.Failed.class, outcome).fault();
    }

    static void assertMessage(IOException e, String... parts) {
        for (String part : parts) {
            assertTrue(e.getMessage().contains(part), e.getMessage());
        }
    }
}

package org.unifiedvolume.raid.redundant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.raid.geometry.ParityGeometry;
import org.unifiedvolume.raid.parity.Parity;
import org.unifiedvolume.raid.parity.ParityKernels;
import org.unifiedvolume.raid.stripe.ParityLevel;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.testkit.Asker;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.TestProcess;
import org.unifiedvolume.testkit.VirtualTime;

/// A RAID 5 of which two legs cannot read the same rows: neither can be mended from the others.
class RepairsTest {
    private static final int CHUNK = 4096;

    private final VirtualTime time = new VirtualTime();
    private final IoContext io = TestProcess.simulated(time, 4 << 20);
    private final ParityGeometry geometry = new ParityGeometry(3, 1, CHUNK, 2);
    private final byte[] content = new byte[(int) geometry.sizeBytes()];
    private final List<FaultyDevice> legs = new ArrayList<>();
    private EngineRig rig;
    private Asker asker;

    @BeforeEach
    void start() throws IOException {
        for (int i = 0; i < 3; i++) {
            DeviceShape shape = DeviceShape.ofMemory(geometry.memberBytes());
            legs.add(new FaultyDevice(new MemoryDevice(shape, Locality.LOCAL, io)));
        }
        LegState[] states = new LegState[legs.size()];
        Arrays.fill(states, LegState.IN_SYNC);
        ParityLevel level = new ParityLevel(geometry, new Parity(ParityKernels.loops()), null);
        rig = new EngineRig(time, io, legs, states, level, 0, false);
        rig.begin(true);
        asker = new Asker(rig.array(), io);
        new Random(3).nextBytes(content);
        asker.done(asker.write(0, content, Durability.VOLATILE));
    }

    @AfterEach
    void nothingLeaks() {
        rig.close();
        time.runUntilIdle();
        TestProcess.checkGivenBack(io.pool());
    }

    @Test
    void whatNoLegCanGiveIsNotTriedForEver() {
        int first = geometry.memberAt(0);
        int second = geometry.memberAt(CHUNK);
        legs.get(first).fail(DeviceFault.Kind.IO, Operation.READ);
        legs.get(second).fail(DeviceFault.Kind.IO, Operation.READ);
        int asked = askedCount();

        assertInstanceOf(Outcome.Failed.class, asker.read(0, CHUNK).await());
        time.advance(60_000_000_000L);

        int askedMore = askedCount() - asked;
        assertTrue(askedMore < 20, askedMore + " requests for one read");
        assertTrue(rig.isComplete(first) && rig.isComplete(second), "a leg was dropped for it");
    }

    @Test
    void whatOneLegCannotReadIsWrittenAnew() {
        int first = geometry.memberAt(0);
        legs.get(first).fail(DeviceFault.Kind.IO, Operation.READ);

        byte[] found = asker.bytes(asker.read(0, CHUNK));
        int asked = legs.get(first).askedCount();
        time.advance(1_000_000_000L);

        assertArrayEquals(Arrays.copyOf(content, CHUNK), found);
        assertTrue(legs.get(first).askedCount() > asked, "nobody wrote it anew");
    }

    private int askedCount() {
        return legs.stream().mapToInt(FaultyDevice::askedCount).sum();
    }
}

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

/// A RAID 5 without one of its legs, of which another fails writes: parity and data do not fit
/// until it takes them, and the missing bytes are computed from both.
class FailedChangesTest {
    private static final int CHUNK = 4096;
    private static final int STRIPES = 4;
    private static final int LOST = 2;
    private static final long SECOND_NANOS = 1_000_000_000L;

    private final VirtualTime time = new VirtualTime();
    private final IoContext io = TestProcess.simulated(time, 4 << 20);
    private final ParityGeometry geometry = new ParityGeometry(3, 1, CHUNK, STRIPES);
    private final byte[] content = new byte[(int) geometry.sizeBytes()];
    private final Random random = new Random(11);
    private FaultyDevice bad;
    private EngineRig rig;
    private Asker asker;
    private int lost;
    private int other;

    @BeforeEach
    void startDegraded() throws IOException {
        List<FaultyDevice> devices = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            DeviceShape shape = DeviceShape.ofMemory(geometry.memberBytes());
            devices.add(new FaultyDevice(new MemoryDevice(shape, Locality.LOCAL, io)));
        }
        LegState[] states = new LegState[devices.size()];
        Arrays.fill(states, LegState.IN_SYNC);
        ParityLevel level = new ParityLevel(geometry, new Parity(ParityKernels.loops()), null);
        rig = new EngineRig(time, io, devices, states, level, 0, false);
        rig.begin(true);
        asker = new Asker(rig.array(), io);
        random.nextBytes(content);
        asker.done(asker.write(0, content, Durability.VOLATILE));
        rig.array().fail("m" + LOST);
        bad = devices.getFirst();
        // A stripe in which the lost leg has data; what is beside it is written.
        for (int at = 0; at < content.length; at += 2 * CHUNK) {
            if (geometry.memberAt(at) == LOST) {
                lost = at;
                other = at + CHUNK;
            } else if (geometry.memberAt(at + CHUNK) == LOST) {
                lost = at + CHUNK;
                other = at;
            }
        }
    }

    @AfterEach
    void nothingLeaks() {
        rig.close();
        time.runUntilIdle();
        TestProcess.checkGivenBack(io.pool());
    }

    private byte[] writeThatFails() {
        byte[] bytes = new byte[CHUNK];
        random.nextBytes(bytes);
        bad.fail(DeviceFault.Kind.IO, Operation.WRITE);
        assertInstanceOf(
                Outcome.Failed.class, asker.write(other, bytes, Durability.VOLATILE).await());
        return bytes;
    }

    @Test
    void nothingIsComputedFromLegsThatDoNotAgree() {
        writeThatFails();

        Outcome read = asker.read(lost, CHUNK).await();
        Outcome write = asker.write(other, new byte[CHUNK], Durability.VOLATILE).await();

        for (Outcome outcome : List.of(read, write)) {
            Outcome.Failed failed = assertInstanceOf(Outcome.Failed.class, outcome);
            String why = failed.fault().getMessage();
            assertTrue(why.contains("is tried again"), why);
        }
    }

    @Test
    void whenTheLegTakesItEverythingFitsAgain() {
        byte[] bytes = writeThatFails();
        time.advance(SECOND_NANOS);
        assertInstanceOf(Outcome.Failed.class, asker.read(lost, CHUNK).await());

        bad.fail(DeviceFault.Kind.IO);
        time.advance(10 * SECOND_NANOS);

        assertArrayEquals(
                Arrays.copyOfRange(content, lost, lost + CHUNK),
                asker.bytes(asker.read(lost, CHUNK)));
        assertArrayEquals(bytes, asker.bytes(asker.read(other, CHUNK)));
        asker.done(asker.write(lost, new byte[CHUNK], Durability.VOLATILE));
    }

    @Test
    void otherRowsGoOnMeanwhile() {
        writeThatFails();
        bad.fail(DeviceFault.Kind.IO);
        int elsewhere = other >= 2 * CHUNK ? 0 : 4 * CHUNK;

        asker.done(asker.write(elsewhere, new byte[CHUNK], Durability.VOLATILE));

        assertArrayEquals(new byte[CHUNK], asker.bytes(asker.read(elsewhere, CHUNK)));
    }
}

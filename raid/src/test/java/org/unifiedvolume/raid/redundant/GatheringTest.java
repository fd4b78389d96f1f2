package org.unifiedvolume.raid.redundant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
import org.unifiedvolume.testkit.Told;
import org.unifiedvolume.testkit.VirtualTime;

/// A RAID 5 of three chunks of data whose legs answer when the test lets them.
class GatheringTest {
    private static final int CHUNK = 4096;
    private static final int LEGS = 4;
    private static final int STRIPE = 3 * CHUNK;

    private final VirtualTime time = new VirtualTime();
    private final IoContext io = TestProcess.simulated(time, 4 << 20);
    private final ParityGeometry geometry = new ParityGeometry(LEGS, 1, CHUNK, 8);
    private final List<FaultyDevice> legs = new ArrayList<>();
    private final byte[] content = new byte[(int) geometry.sizeBytes()];
    private EngineRig rig;
    private Asker asker;

    @BeforeEach
    void start() throws IOException {
        for (int i = 0; i < LEGS; i++) {
            DeviceShape shape = DeviceShape.ofMemory(geometry.memberBytes());
            legs.add(new FaultyDevice(new MemoryDevice(shape, Locality.LOCAL, io)));
        }
        LegState[] states = new LegState[LEGS];
        Arrays.fill(states, LegState.IN_SYNC);
        ParityLevel level = new ParityLevel(geometry, new Parity(ParityKernels.loops()), null);
        rig = new EngineRig(time, io, legs, states, level, 0, false);
        rig.begin(true);
        asker = new Asker(rig.array(), io);
        new Random(5).nextBytes(content);
    }

    @AfterEach
    void nothingLeaks() {
        letGo();
        rig.close();
        time.runUntilIdle();
        TestProcess.checkGivenBack(io.pool());
    }

    private void hold() {
        legs.forEach(FaultyDevice::hold);
    }

    private void letGo() {
        while (legs.stream().anyMatch(leg -> leg.heldCount() > 0)) {
            legs.forEach(FaultyDevice::letGo);
            legs.forEach(FaultyDevice::hold);
        }
        legs.forEach(FaultyDevice::letGo);
    }

    private int asked() {
        return legs.stream().mapToInt(FaultyDevice::askedCount).sum();
    }

    private Told write(int from, int length) {
        byte[] bytes = Arrays.copyOfRange(content, from, from + length);
        return asker.write(from, bytes, Durability.VOLATILE);
    }

    private void checkContent(int from, int length) {
        assertArrayEquals(
                Arrays.copyOfRange(content, from, from + length),
                asker.bytes(asker.read(from, length)));
    }

    /// The end of the first stripe is being written: what follows goes on there.
    private Told lastOfFirstStripe() {
        hold();
        return write(STRIPE - CHUNK, CHUNK);
    }

    @Test
    void writesThatFillAStripeAreSentAsOne() {
        Told before = lastOfFirstStripe();
        int asked = asked();

        Told first = write(STRIPE, CHUNK);
        Told second = write(STRIPE + CHUNK, CHUNK / 2);
        Told third = write(STRIPE + CHUNK + CHUNK / 2, CHUNK / 2);
        assertEquals(asked, asked());
        Told last = write(STRIPE + 2 * CHUNK, CHUNK);

        assertEquals(asked + LEGS, asked(), "each leg gets one write, and none is read");
        letGo();
        for (Told one : List.of(before, first, second, third, last)) {
            asker.done(one);
        }
        checkContent(STRIPE - CHUNK, CHUNK + STRIPE);
    }

    @Test
    void whoWritesOneAtATimeDoesNotWait() {
        asker.done(write(STRIPE - CHUNK, CHUNK));
        hold();
        int asked = asked();

        write(STRIPE, CHUNK);

        assertTrue(asked() > asked);
    }

    @Test
    void aWriteWaitsForNoLongerThanThoseBeforeIt() {
        Told before = lastOfFirstStripe();
        int asked = asked();
        Told part = write(STRIPE, CHUNK);
        assertEquals(asked, asked());

        letGo();

        asker.done(before);
        assertTrue(part.isTold());
        checkContent(STRIPE, CHUNK);
    }

    @Test
    void aLegThatHangsHoldsNobodyUp() {
        lastOfFirstStripe();
        Told part = write(STRIPE, CHUNK);
        int asked = asked();

        time.advance(Gathering.MOST_NANOS);

        assertTrue(asked() > asked);
        letGo();
        asker.done(part);
    }

    @Test
    void whoWritesHereAndThereDoesNotWait() {
        lastOfFirstStripe();
        for (int stripe = 3; stripe < 8; stripe++) {
            int asked = asked();
            write(stripe * STRIPE, CHUNK);
            assertTrue(asked() > asked);
        }
    }

    @Test
    void aWriteThatMustBeDurableIsNotJoinedToOneThatNeedNot() {
        lastOfFirstStripe();
        write(STRIPE, CHUNK);
        int asked = asked();

        byte[] bytes = Arrays.copyOfRange(content, STRIPE + CHUNK, 2 * STRIPE);
        Told durable = asker.write(STRIPE + CHUNK, bytes, Durability.DURABLE);

        assertTrue(asked() > asked);
        letGo();
        asker.done(durable);
        checkContent(STRIPE, STRIPE);
    }

    @Test
    void whatWaitsIsSentWhenTheArrayIsClosed() {
        Told before = lastOfFirstStripe();
        Told part = write(STRIPE, CHUNK);
        assertFalse(part.isTold());

        letGo();
        rig.array().close();

        asker.done(before);
        asker.done(part);
    }

    @Test
    void allPartsOfAStripeThatFailsFail() {
        lastOfFirstStripe();
        Told first = write(STRIPE, CHUNK);
        rig.drop(0);
        time.advance(1000); // until that is written down
        legs.get(1).fail(DeviceFault.Kind.IO, Operation.WRITE);
        Told rest = write(STRIPE + CHUNK, 2 * CHUNK);

        letGo();
        time.advance(1000);

        assertInstanceOf(Outcome.Failed.class, first.await());
        assertInstanceOf(Outcome.Failed.class, rest.await());
        legs.get(1).fail(DeviceFault.Kind.IO);
        time.advance(10_000_000_000L);
        checkContent(STRIPE, STRIPE);
    }
}

package org.unifiedvolume.raid.stripe;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.device.Layer;
import org.unifiedvolume.raid.geometry.ParityGeometry;
import org.unifiedvolume.raid.parity.Parity;
import org.unifiedvolume.raid.parity.ParityKernels;
import org.unifiedvolume.raid.redundant.EngineRig;
import org.unifiedvolume.raid.redundant.LegState;
import org.unifiedvolume.request.Completion;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.testkit.Asker;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.TestProcess;
import org.unifiedvolume.testkit.VirtualTime;

/// A RAID 6 without two legs, whose journal is told that an entry could not be written although the
/// entry is there. What it describes must not be carried out by a replay after legs were rebuilt
/// from what was there before.
class DoubtfulEntryTest {
    private static final int CHUNK = 4096;
    private static final int JOURNAL = 512 << 10;
    private static final int LEGS = 5;
    private static final long SECOND_NANOS = 1_000_000_000L;

    private final VirtualTime time = new VirtualTime();
    private final IoContext io = TestProcess.simulated(time, 16 << 20);
    private final ParityGeometry geometry = new ParityGeometry(LEGS, 2, CHUNK, 3);
    private final List<MemoryDevice> memory = new ArrayList<>();
    private final List<BlockDevice> devices = new ArrayList<>();
    private final byte[] content = new byte[(int) geometry.sizeBytes()];
    private final Random random = new Random(17);
    private final Set<Integer> lost = new HashSet<>();
    private boolean journalFails;
    private EngineRig rig;
    private Asker asker;

    /// A leg that, unless it is one of the lost ones, writes what the journal gives it but for its
    /// heads, and says that it could not.
    private final class Liar extends Layer {
        private final int role;

        Liar(int role, BlockDevice below) {
            super(below);
            this.role = role;
        }

        @Override
        public void submit(IoRequest request, Completion done) {
            boolean lies =
                    journalFails
                            && !lost.contains(role)
                            && request instanceof IoRequest.Write
                            && request.offsetBytes() < JOURNAL;
            if (lies && request.offsetBytes() < JournalHead.SLOTS_BYTES) {
                done.complete(request, Outcome.failed(DeviceFault.Kind.IO, "planted"));
                return;
            }
            below.submit(
                    request,
                    (asked, outcome) ->
                            done.complete(
                                    asked,
                                    lies
                                            ? Outcome.failed(DeviceFault.Kind.IO, "planted")
                                            : outcome));
        }
    }

    private void open(LegState[] states, boolean wasClean) throws IOException {
        JournalPlace[] places = new JournalPlace[LEGS];
        Arrays.fill(places, new JournalPlace(0, JOURNAL));
        Journal journal = new Journal(new UUID(1, 2), places, 2, geometry.memberBytes());
        ParityLevel level = new ParityLevel(geometry, new Parity(ParityKernels.loops()), journal);
        // Without a resync, which would hide what the replay does to parity.
        rig = new EngineRig(time, io, devices, states, level, JOURNAL, false);
        rig.begin(wasClean);
        asker = new Asker(rig.array(), io);
    }

    private void start() throws IOException {
        DeviceShape shape =
                new DeviceShape(
                        JOURNAL + geometry.memberBytes(),
                        512,
                        4096,
                        DeviceShape.UNLIMITED_TRANSFER_BYTES,
                        1,
                        EnumSet.allOf(DeviceShape.Ability.class));
        LegState[] states = new LegState[LEGS];
        Arrays.fill(states, LegState.IN_SYNC);
        for (int i = 0; i < LEGS; i++) {
            memory.add(new MemoryDevice(shape, Locality.LOCAL, io));
            devices.add(new Liar(i, memory.get(i)));
        }
        open(states, true);
        random.nextBytes(content);
        asker.done(asker.write(0, content, Durability.DURABLE));
        lost.addAll(List.of(geometry.memberOfQ(0), geometry.memberOfData(0, 1)));
        lost.forEach(rig::drop);
        time.advance(SECOND_NANOS);
    }

    /// A change whose entry is there, although all that is known is that it could not be written.
    private void changeInDoubt() {
        byte[] bytes = new byte[CHUNK / 8];
        random.nextBytes(bytes);
        journalFails = true;
        assertInstanceOf(Outcome.Failed.class, asker.write(0, bytes, Durability.VOLATILE).await());
        // While nobody knows whether a replay would carry it out, nothing is computed from there.
        assertInstanceOf(Outcome.Failed.class, asker.read(CHUNK, CHUNK).await());
    }

    private void readdLost() {
        for (int leg : lost) {
            rig.readd(leg);
            time.advance(30 * SECOND_NANOS);
        }
    }

    private boolean areAllComplete() {
        return lost.stream().allMatch(rig::isComplete);
    }

    private void killAndCheck() throws IOException {
        rig.kill();
        open(rig.savedStates(), false);

        byte[] found = asker.bytes(asker.read(0, content.length));
        assertArrayEquals(content, found, "with what was refused, or without what was not");
        byte[][] expected = ExpectedLegs.of(geometry, found);
        for (int i = 0; i < LEGS; i++) {
            byte[] leg =
                    memory.get(i)
                            .content()
                            .asSlice(JOURNAL, geometry.memberBytes())
                            .toArray(ValueLayout.JAVA_BYTE);
            if (rig.isComplete(i)) {
                assertArrayEquals(expected[i], leg, "leg " + i);
            }
        }
        rig.close();
        time.runUntilIdle();
    }

    @Test
    void noLegIsRebuiltFromWhatAReplayWouldChange() throws IOException {
        start();
        changeInDoubt();

        readdLost();
        assertFalse(areAllComplete());

        journalFails = false;
        time.advance(30 * SECOND_NANOS);
        assertTrue(areAllComplete());
        killAndCheck();
    }
}

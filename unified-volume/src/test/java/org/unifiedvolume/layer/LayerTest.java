package org.unifiedvolume.layer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.testkit.Asker;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.Seeds;
import org.unifiedvolume.testkit.TestProcess;
import org.unifiedvolume.testkit.Told;
import org.unifiedvolume.testkit.VirtualTime;

final class LayerTest {
    private final VirtualTime time = new VirtualTime();
    private final IoContext context = TestProcess.simulated(time, 64 << 20);
    private final MemoryDevice memory = new MemoryDevice(4 << 20, Locality.REMOTE, context);

    @AfterEach
    void everythingIsGivenBack() {
        TestProcess.checkGivenBack(context.pool());
        context.pool().close();
    }

    private Asker asker(BlockDevice device) {
        return new Asker(device, context);
    }

    @Test
    void aWindowMovesEveryRequest() {
        WindowLayer window = new WindowLayer(memory, 65536, 131_072);
        Asker asker = asker(window);
        asker.done(asker.write(0, new byte[] {7}, Durability.VOLATILE));
        asker.bytes(asker.read(100, 10));
        asker.done(asker.zero(200, 10, true, false));
        asker.done(asker.discard(131_071, 1));
        asker.done(asker.flush());
        asker.extents(asker.locate(0, 131_072));
        assertEquals(
                List.of(65536L, 65636L, 65736L, 196_607L, 0L, 65536L),
                memory.asked().stream().map(IoRequest::offsetBytes).toList());
        assertEquals(131_072, window.shape().sizeBytes());
        assertEquals(31_072, window.localityRun(100_000));
        asker.checkAll();
        window.close();
        assertTrue(memory.isClosed());
    }

    @Test
    void aWindowBeyondTheDeviceIsRefused() {
        for (long[] range : new long[][] {{4 << 20, 1}, {-1, 10}, {0, (4 << 20) + 1}}) {
            assertThrows(
                    IllegalArgumentException.class,
                    () -> new WindowLayer(memory, range[0], range[1]));
        }
    }

    @Test
    void aReadOnlyDeviceCannotBeChanged() {
        ReadOnlyLayer layer = new ReadOnlyLayer(memory);
        assertTrue(layer.shape().isReadOnly());
        assertFalse(layer.shape().can(DeviceShape.Ability.DISCARD));
        Asker asker = asker(layer);
        List<Told> changes =
                List.of(
                        asker.write(0, new byte[1], Durability.VOLATILE),
                        asker.zero(0, 1, true, true),
                        asker.discard(0, 1));
        for (Told change : changes) {
            DeviceFault fault = asker.fault(change);
            assertEquals(DeviceFault.Kind.READ_ONLY, fault.kind());
            assertTrue(fault.getMessage().contains("used read-only"), fault.getMessage());
        }
        assertEquals(List.of(), memory.asked());
        asker.bytes(asker.read(0, 1));
        asker.done(asker.flush());
    }

    @Test
    void aDelayHoldsRequestsAndAnswersForItsTime() {
        Asker asker =
                asker(
                        new DelayLayer(
                                memory,
                                time,
                                request -> request.tag().operation() == Operation.READ ? 1_000 : 0,
                                _ -> 500));
        Told read = asker.read(0, 1);
        Told flush = asker.flush();
        assertEquals(1, memory.asked().size());
        time.advance(499);
        assertFalse(flush.isTold());
        time.advance(1);
        asker.done(flush);
        time.advance(999);
        assertEquals(2, memory.asked().size());
        assertFalse(read.isTold());
        time.advance(1);
        asker.bytes(read);
    }

    @Test
    void faultsAreRefusedLostOrSilent() {
        FaultLayer layer = new FaultLayer(memory);
        Asker asker = asker(layer);
        layer.refuseAll(DeviceFault.Kind.TIMED_OUT);
        assertEquals(DeviceFault.Kind.TIMED_OUT, asker.fault(asker.read(0, 1)).kind());
        assertEquals(0, memory.asked().size());
        layer.decideBy(request -> FaultLayer.loseAnswer(DeviceFault.Kind.IO, request));
        asker.fault(asker.write(0, new byte[] {9}, Durability.VOLATILE));
        asker.fault(asker.read(0, 1));
        layer.decideBy(_ -> FaultLayer.HANG);
        Told hanging = asker.read(0, 1);
        assertFalse(hanging.isTold());
        assertEquals(1, layer.hangingCount());
        layer.passAll();
        layer.release();
        assertEquals(9, asker.bytes(hanging)[0], "the lost write was carried out");
    }

    @Test
    void aSplitCutsOnlyWhatIsTooLong() {
        MemoryDevice limited =
                new MemoryDevice(
                        DeviceShape.ofMemory(4 << 20).withMaxTransfer(100_000),
                        Locality.REMOTE,
                        context);
        BlockDevice split = SplitLayer.over(limited, context);
        Asker asker = asker(split);
        byte[] bytes = new byte[300_000];
        Seeds.random(1).nextBytes(bytes);
        asker.done(asker.write(60_000, bytes, Durability.DURABLE));
        List<IoRequest> parts = limited.asked();
        assertEquals(6, parts.size());
        long at = 60_000;
        for (IoRequest part : parts) {
            IoRequest.Write write = (IoRequest.Write) part;
            assertEquals(at, write.offsetBytes());
            assertEquals(Durability.DURABLE, write.durability());
            assertEquals(at, write.tag().offsetBytes());
            assertEquals(parts.getFirst().tag().parentId(), write.tag().parentId());
            assertTrue(write.tag().parentId() != 0 && write.tag().id() != write.tag().parentId());
            assertTrue(at == 60_000 || at % 65536 == 0, "a part starts at " + at);
            at += write.lengthBytes();
        }
        assertEquals(360_000, at);
        assertTrue(Arrays.equals(bytes, asker.bytes(asker.read(60_000, bytes.length))));
        asker.done(asker.zero(0, 4 << 20, true, false));
        asker.bytes(asker.read(0, 100_000));
        assertEquals(100_000, limited.asked().getLast().lengthBytes());
    }

    @Test
    void aSplitFailsOnceAndKeepsNothingWhenAPartFails() {
        FaultLayer faults =
                new FaultLayer(
                        new MemoryDevice(
                                DeviceShape.ofMemory(4 << 20).withMaxTransfer(65536),
                                Locality.REMOTE,
                                context));
        Asker asker =
                asker(
                        SplitLayer.over(
                                new DelayLayer(
                                        faults,
                                        time,
                                        request -> request.offsetBytes() % 7 * 1000,
                                        _ -> 0),
                                context));
        faults.decideBy(
                request ->
                        request.offsetBytes() == 131_072
                                ? FaultLayer.refuse(DeviceFault.Kind.IO, request)
                                : FaultLayer.PASS);
        List<Told> all = new ArrayList<>();
        all.add(asker.read(0, 1 << 20));
        all.add(asker.write(0, new byte[1 << 20], Durability.VOLATILE));
        time.runUntilIdle();
        for (Told told : all) {
            assertTrue(asker.fault(told).getMessage().contains("offset 131072"));
        }
        asker.checkAll();
    }

    @Test
    void aDeviceWithoutLimitsNeedsNoSplit() {
        assertSame(memory, SplitLayer.over(memory, context));
    }
}

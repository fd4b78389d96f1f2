package org.unifiedvolume.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.DeviceShape;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.layer.ReadOnlyLayer;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.stack.OrderPolicy;
import org.unifiedvolume.stack.StackOptions;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.TestProcess;
import org.unifiedvolume.testkit.Told;
import org.unifiedvolume.testkit.VirtualTime;
import org.unifiedvolume.trace.Tracer;

/// The volume is where requests are checked: whatever a client asks, the devices below see only
/// what their shape allows. (The device in memory here fails the test if they do not.)
final class VolumeTest {
    private static final long SIZE_BYTES = 1 << 20;

    private final VirtualTime time = new VirtualTime();
    private final IoContext context = TestProcess.simulated(time, 1 << 20);
    private final DeviceShape shape =
            new DeviceShape(
                    SIZE_BYTES,
                    512,
                    4096,
                    DeviceShape.UNLIMITED_TRANSFER_BYTES,
                    1,
                    DeviceShape.ofMemory(512).abilities());
    private final MemoryDevice memory = new MemoryDevice(shape, Locality.REMOTE, context);
    private Volume volume = volumeOver(memory);

    private Volume volumeOver(BlockDevice root) {
        return new Volume(
                "media",
                root,
                List.of(),
                new Lanes(),
                new Tracer(time),
                StackOptions.ofVolume(OrderPolicy.Named.FIFO, 8),
                context);
    }

    @AfterEach
    void close() {
        volume.close();
        assertTrue(memory.isClosed());
        TestProcess.checkGivenBack(context.pool());
        context.pool().close();
    }

    private Outcome ask(IoRequest request) {
        Told told = new Told(request);
        volume.submit(request, told);
        time.runUntilIdle();
        return told.await();
    }

    private IoTag tag(Operation operation) {
        return volume.tag(operation, 0, 512, 1);
    }

    private void badRange(long offset, long length) {
        int before = memory.asked().size();
        List<IoRequest> requests =
                List.of(
                        new IoRequest.Read(tag(Operation.READ), offset, length),
                        new IoRequest.Zero(
                                tag(Operation.ZERO),
                                offset,
                                length,
                                true,
                                false,
                                Durability.VOLATILE),
                        new IoRequest.Discard(
                                tag(Operation.DISCARD), offset, length, Durability.VOLATILE),
                        new IoRequest.Prefetch(tag(Operation.PREFETCH), offset, length),
                        new IoRequest.Locate(tag(Operation.LOCATE), offset, length));
        for (IoRequest request : requests) {
            Outcome.Failed failed = (Outcome.Failed) ask(request);
            assertEquals(DeviceFault.Kind.BAD_RANGE, failed.fault().kind());
            String message = failed.fault().getMessage();
            assertTrue(message.startsWith("media: " + request.tag().operation()), message);
            assertTrue(message.contains("offset " + offset), message);
        }
        assertEquals(before, memory.asked().size(), "the device was asked");
    }

    @Test
    void rangesThatItDoesNotHaveAreRefusedHere() {
        badRange(SIZE_BYTES, 512);
        badRange(SIZE_BYTES - 512, 1024);
        badRange(-512, 512);
        badRange(0, -512);
        badRange(Long.MAX_VALUE - 511, 512);
        badRange(512, Long.MAX_VALUE - 511);
        badRange(100, 512);
        badRange(0, 100);
    }

    @Test
    void emptyRangesAreAnsweredHere() {
        assertEquals(
                new Outcome.Data(Buffers.empty()),
                ask(new IoRequest.Read(tag(Operation.READ), 512, 0)));
        assertEquals(
                Outcome.Done.DONE,
                ask(
                        new IoRequest.Discard(
                                tag(Operation.DISCARD), SIZE_BYTES, 0, Durability.VOLATILE)));
        assertEquals(0, memory.asked().size());
    }

    @Test
    void aVolumeThatCannotBeWrittenSaysSo() {
        volume = volumeOver(new ReadOnlyLayer(memory));
        IoRequest discard =
                new IoRequest.Discard(tag(Operation.DISCARD), 0, 512, Durability.VOLATILE);
        Outcome.Failed failed = (Outcome.Failed) ask(discard);
        assertEquals(DeviceFault.Kind.READ_ONLY, failed.fault().kind());
        assertTrue(failed.fault().getMessage().contains("media"), failed.fault().getMessage());
        ask(new IoRequest.Read(tag(Operation.READ), 0, 512)).discard();
        assertTrue(ask(new IoRequest.Flush(tag(Operation.FLUSH))).isSuccess());
        assertEquals(1, memory.asked().size());
    }

    @Test
    void tagsTellWhereTheRangeLivesAndWhoAsks() {
        Volume.Client client = volume.connect("nbd 10.0.0.7:40122");
        IoTag first = volume.tag(Operation.WRITE, 4096, 8192, client.id());
        IoTag second = volume.tag(Operation.READ, 0, 512, client.id());
        assertTrue(second.id() > first.id());
        assertEquals(0, first.parentId());
        assertEquals(Locality.REMOTE, first.locality());
        assertEquals(4096, first.offsetBytes());
        assertEquals(8192, first.lengthBytes());
        assertEquals(client.id(), first.client());
        assertEquals(List.of(client), List.copyOf(volume.clients()));
        volume.disconnect(client);
        assertTrue(volume.clients().isEmpty());
    }

    @Test
    void whatItDidIsCounted() {
        ask(new IoRequest.Read(tag(Operation.READ), 0, 4096)).discard();
        ask(new IoRequest.Flush(tag(Operation.FLUSH)));
        assertEquals(1, volume.meter().read().requests(Operation.READ));
        assertEquals(4096, volume.meter().read().bytes(Operation.READ));
        assertEquals(1, volume.meter().read().requests(Operation.FLUSH));
        assertEquals("media", volume.status().name());
        assertEquals(SIZE_BYTES, volume.status().sizeBytes());
        assertEquals(0, volume.underWayCount());
    }
}

package org.unifiedvolume.trace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.layer.DelayLayer;
import org.unifiedvolume.layer.FaultLayer;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.stack.OrderPolicy;
import org.unifiedvolume.stack.StackOptions;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.TestProcess;
import org.unifiedvolume.testkit.Told;
import org.unifiedvolume.testkit.VirtualTime;
import org.unifiedvolume.volume.Lanes;
import org.unifiedvolume.volume.Member;
import org.unifiedvolume.volume.Volume;

/// A watcher sees each request at every place where it was answered: at the member first, then at
/// the top, with its tag, its times and what went wrong.
final class TracerTest {
    private final VirtualTime time = new VirtualTime();
    private final IoContext context = TestProcess.simulated(time, 1 << 20);
    private final Tracer tracer = new Tracer(time);
    private final FaultLayer faults =
            new FaultLayer(new MemoryDevice(1 << 20, Locality.REMOTE, context));
    private final Volume volume = makeVolume();

    private Volume makeVolume() {
        Lanes lanes = new Lanes();
        Member member =
                new Member(
                        "nbd://host/b",
                        Locality.REMOTE,
                        new DelayLayer(faults, time, _ -> 3_000, _ -> 4_000),
                        StackOptions.ofMember(OrderPolicy.Named.DEADLINE, 8, 1_000_000_000L),
                        context,
                        lanes,
                        tracer);
        return new Volume(
                "media",
                member,
                List.of(member),
                lanes,
                tracer,
                StackOptions.ofVolume(OrderPolicy.Named.FIFO, 8),
                context);
    }

    private Told read(long offset) {
        IoRequest read =
                new IoRequest.Read(volume.tag(Operation.READ, offset, 4096, 5), offset, 4096);
        Told told = new Told(read);
        volume.submit(read, told);
        time.runUntilIdle();
        return told;
    }

    @Test
    void eachPlaceIsToldWithTagAndTimes() throws Exception {
        List<TraceEvent> events = new ArrayList<>();
        try (AutoCloseable _ = tracer.watch(events::add)) {
            read(8192).await().discard();
        }
        read(0).await().discard();
        assertEquals(2, events.size(), "one at the member, one at the top, none after the watch");
        assertEquals("nbd://host/b", events.get(0).place());
        assertEquals("volume", events.get(1).place());
        for (TraceEvent event : events) {
            assertEquals(Operation.READ, event.tag().operation());
            assertEquals(Locality.REMOTE, event.tag().locality());
            assertEquals(5, event.tag().client());
            assertEquals(8192, event.offsetBytes());
            assertEquals(4096, event.lengthBytes());
            assertEquals(7_000, event.answeredNanos() - event.enteredNanos());
            assertEquals("", event.error());
        }
        assertEquals(events.get(0).tag().id(), events.get(1).tag().id());
        volume.close();
    }

    @Test
    void aFailureTellsItsReason() throws Exception {
        List<TraceEvent> events = new ArrayList<>();
        faults.refuseAll(DeviceFault.Kind.IO);
        try (AutoCloseable _ = tracer.watch(events::add)) {
            read(0).await();
        }
        assertEquals(2, events.size());
        assertTrue(events.get(0).error().contains("injected"), events.get(0).error());
        volume.close();
    }

    @Test
    void severalMayWatch() throws Exception {
        List<TraceEvent> first = new ArrayList<>();
        List<TraceEvent> second = new ArrayList<>();
        try (AutoCloseable _ = tracer.watch(first::add)) {
            try (AutoCloseable _ = tracer.watch(second::add)) {
                read(0).await().discard();
            }
            read(0).await().discard();
        }
        assertEquals(4, first.size());
        assertEquals(2, second.size());
        volume.close();
    }
}

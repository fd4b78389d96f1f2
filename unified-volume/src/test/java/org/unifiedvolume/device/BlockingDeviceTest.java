package org.unifiedvolume.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.layer.DelayLayer;
import org.unifiedvolume.layer.FaultLayer;
import org.unifiedvolume.layer.ReadOnlyLayer;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Extent;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.Seeds;
import org.unifiedvolume.testkit.TestProcess;

final class BlockingDeviceTest {
    private static final int SIZE_BYTES = 8 << 20;

    private final TestProcess process = new TestProcess(16 << 20);
    private final MemoryDevice memory =
            new MemoryDevice(
                    DeviceShape.ofMemory(SIZE_BYTES).withMaxTransfer(300_000),
                    Locality.LOCAL,
                    process.context());
    private final FaultLayer faults = new FaultLayer(memory);
    private final BlockingDevice blocking =
            new BlockingDevice(
                    new DelayLayer(faults, process.loops().get(0), _ -> 50_000, _ -> 50_000),
                    process.context());

    @AfterEach
    void close() {
        process.close();
    }

    @Test
    void longTransfersAreCutToWhatTheDeviceTakes() throws IOException {
        byte[] bytes = new byte[3 << 20];
        Seeds.random(1).nextBytes(bytes);
        blocking.write(12345, bytes);
        assertTrue(Arrays.equals(bytes, blocking.read(12345, bytes.length)));
        assertTrue(memory.asked().stream().allMatch(request -> request.lengthBytes() <= 300_000));
        blocking.flush();
        assertTrue(memory.asked().getLast() instanceof IoRequest.Flush);
    }

    @Test
    void zeroesDiscardsAndLocates() throws IOException {
        byte[] ones = new byte[65536];
        Arrays.fill(ones, (byte) 1);
        blocking.write(0, ones);
        blocking.zero(0, 4096, true);
        blocking.discard(8192, 4096);
        byte[] read = blocking.read(0, 65536);
        assertEquals(0, read[4095]);
        assertEquals(1, read[4096]);
        assertEquals(0, read[8192]);
        assertEquals(
                List.of(new Extent(SIZE_BYTES, Extent.Kind.DATA)), blocking.locate(0, SIZE_BYTES));
    }

    @Test
    void aFaultIsThrownWithItsMessageAndItself() {
        faults.refuseAll(DeviceFault.Kind.NO_SPACE);
        IOException thrown = assertThrows(IOException.class, () -> blocking.write(0, new byte[1]));
        assertTrue(thrown.getMessage().contains("injected"), thrown.getMessage());
        DeviceFault fault = (DeviceFault) thrown.getCause();
        assertEquals(DeviceFault.Kind.NO_SPACE, fault.kind());
        assertThrows(IOException.class, () -> blocking.read(0, 1));
        assertThrows(IOException.class, blocking::flush);
    }

    @Test
    void rangesAreCheckedBeforeTheDeviceIsAsked() {
        IOException thrown =
                assertThrows(IOException.class, () -> blocking.read(SIZE_BYTES - 1, 2));
        assertEquals(DeviceFault.Kind.BAD_RANGE, ((DeviceFault) thrown.getCause()).kind());
        assertTrue(thrown.getMessage().contains("READ at offset 8388607, 2 bytes"));
        BlockingDevice readOnly = new BlockingDevice(new ReadOnlyLayer(memory), process.context());
        thrown = assertThrows(IOException.class, () -> readOnly.write(0, new byte[1]));
        assertEquals(DeviceFault.Kind.READ_ONLY, ((DeviceFault) thrown.getCause()).kind());
        assertEquals(List.of(), memory.asked());
    }

    @Test
    void anInterruptedCallerLeavesNothingBehind() throws Exception {
        faults.decideBy(_ -> FaultLayer.HANG);
        AtomicReference<Exception> thrown = new AtomicReference<>();
        List<Thread> callers = new ArrayList<>();
        callers.add(Thread.ofVirtual().start(() -> keep(thrown, () -> blocking.read(0, 65536))));
        callers.add(
                Thread.ofVirtual()
                        .start(() -> keep(thrown, () -> blocking.write(0, new byte[65536]))));
        TestProcess.await("both hang", () -> faults.hangingCount() == 2);
        for (Thread caller : callers) {
            caller.interrupt();
            caller.join();
            assertSame(InterruptedIOException.class, thrown.get().getClass());
        }
        assertTrue(process.pool().outstandingBytes() > 0, "the write still has its source");
        faults.release();
    }

    private interface Call {
        void run() throws IOException;
    }

    private static void keep(AtomicReference<Exception> thrown, Call call) {
        try {
            call.run();
        } catch (IOException e) {
            thrown.set(e);
        }
    }

    @Test
    void waitsForMemoryThatOthersGiveBack() throws Exception {
        Buffers all = process.pool().allocate(16 << 20);
        AtomicReference<Exception> thrown = new AtomicReference<>();
        Thread caller =
                Thread.ofVirtual().start(() -> keep(thrown, () -> blocking.write(0, new byte[1])));
        TestProcess.await("it has found the pool spent", () -> process.pool().spentCount() > 0);
        assertTrue(caller.isAlive());
        all.release();
        caller.join();
        assertEquals(null, thrown.get());
        assertEquals(1, memory.asked().size());
    }
}

package org.unifiedvolume.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.layer.DelayLayer;
import org.unifiedvolume.layer.FaultLayer;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.testkit.Asker;
import org.unifiedvolume.testkit.MemoryDevice;
import org.unifiedvolume.testkit.Seeds;
import org.unifiedvolume.testkit.TestProcess;
import org.unifiedvolume.testkit.Told;
import org.unifiedvolume.testkit.VirtualTime;

final class ReadCacheTest {
    private static final long POOL_BYTES = 16 << 20;
    private static final long DEVICE_BYTES = 32 << 20;

    private final VirtualTime time = new VirtualTime();
    private final IoContext context = TestProcess.simulated(time, POOL_BYTES);
    private final MemoryDevice memory = new MemoryDevice(DEVICE_BYTES, Locality.LOCAL, context);
    private final FaultLayer faults = new FaultLayer(memory);
    private ReadCache cache = new ReadCache(faults, CacheOptions.of(4 << 20), context);
    private Asker asker = new Asker(cache, context);

    private void useCache(ReadCache other) {
        cache.close();
        cache = other;
        asker = new Asker(cache, context);
    }

    @AfterEach
    void everythingIsGivenBack() {
        cache.close();
        asker.checkAll();
        TestProcess.checkGivenBack(context.pool());
        context.pool().close();
    }

    private long readsBelow() {
        return memory.asked().stream().filter(one -> one instanceof IoRequest.Read).count();
    }

    private static long address(Told read) {
        if (read.await() instanceof Outcome.Data(Buffers buffers)) {
            long address = buffers.slice(0).address();
            buffers.release();
            return address;
        }
        throw new AssertionError(read.submitted());
    }

    @Test
    void aHitBringsTheSameMemoryWithoutACopy() {
        long first = address(asker.read(8192, 4096));
        long copied = Buffers.copiedBytes();
        long second = address(asker.read(8192, 4096));
        assertEquals(first, second);
        assertEquals(copied, Buffers.copiedBytes());
        assertEquals(1, readsBelow());
        assertEquals(4096, cache.hitBytes());
        assertEquals(4096, cache.missBytes());
    }

    @Test
    void aReadThatIsPartlyCachedFetchesOnlyTheRest() {
        asker.read(0, 65536).await().discard();
        asker.bytes(asker.read(32768, 65536));
        IoRequest last = memory.asked().getLast();
        assertEquals(65536, last.offsetBytes());
        assertEquals(32768, last.lengthBytes());
        assertEquals(
                memory.asked().getLast().tag().parentId(),
                last.tag().parentId(),
                "the rest is a child of the read");
        assertTrue(last.tag().parentId() > 0);
    }

    @Test
    void aWriteDropsWhatItReplacesAndKeepsTheRest() {
        asker.read(0, 262_144).await().discard();
        asker.done(asker.write(131_072, new byte[4096], Durability.VOLATILE));
        long before = readsBelow();
        asker.bytes(asker.read(0, 131_072));
        assertEquals(before, readsBelow(), "the half before the write is still cached");
        asker.bytes(asker.read(131_072, 4096));
        assertEquals(before + 1, readsBelow());
    }

    @Test
    void readersOfOneRangeShareOneFetch() {
        useCache(
                new ReadCache(
                        new DelayLayer(memory, time, _ -> 1_000_000, _ -> 0),
                        CacheOptions.of(4 << 20),
                        context));
        List<Told> readers = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            readers.add(asker.read(0, 8192));
            readers.add(asker.read(4096, 2048));
        }
        time.runUntilIdle();
        readers.forEach(asker::bytes);
        assertEquals(1, readsBelow());
    }

    @Test
    void sequentialReadersFindTheirBytesFetchedAhead() {
        useCache(new ReadCache(memory, CacheOptions.of(16 << 20), context));
        for (long at = 0; at < 8 << 20; at += 65536) {
            asker.bytes(asker.read(at, 65536));
        }
        assertTrue(
                cache.hitBytes() > (8 << 20) * 9L / 10,
                "only %d of %d bytes were fetched ahead".formatted(cache.hitBytes(), 8 << 20));
        assertTrue(
                readsBelow() < 60, readsBelow() + " reads for 128 requests: windows do not grow");
    }

    @Test
    void severalSequentialReadersDoNotConfuseEachOther() {
        Asker other = new Asker(cache, context, 2);
        for (long at = 0; at < 4 << 20; at += 65536) {
            asker.bytes(asker.read(at, 65536));
            asker.bytes(asker.read((16 << 20) + at, 65536));
            other.bytes(other.read((24 << 20) + at, 65536));
        }
        assertTrue(cache.hitBytes() > (12 << 20) * 8L / 10, cache.hitBytes() + " bytes hit");
    }

    @Test
    void randomReadersAreNotReadAhead() {
        RandomGenerator random = Seeds.random(1);
        for (int i = 0; i < 500; i++) {
            asker.bytes(asker.read(random.nextInt(8000) * 4096L, 4096));
        }
        assertTrue(cache.aheadBytes() < 1 << 20, cache.aheadBytes() + " bytes fetched in vain");
    }

    @Test
    void aClientsHintIsFetched() {
        asker.done(asker.prefetch(1 << 20, 131_072));
        long before = readsBelow();
        assertTrue(before > 0);
        asker.bytes(asker.read(1 << 20, 131_072));
        assertEquals(before, readsBelow());
    }

    @Test
    void holdsNoMoreThanItsCapacity() {
        RandomGenerator random = Seeds.random(2);
        for (int i = 0; i < 3000; i++) {
            int length = 4096 << random.nextInt(7);
            long offset = random.nextInt((int) (DEVICE_BYTES / length)) * (long) length;
            asker.bytes(asker.read(offset, length));
            assertTrue(cache.heldBytes() <= 4 << 20, cache.heldBytes() + " bytes held");
        }
        assertTrue(cache.heldBytes() > 2 << 20, "it holds only " + cache.heldBytes());
        assertTrue(context.pool().outstandingBytes() <= 4 << 20);
    }

    @Test
    void oftenReadBytesSurviveAScan() {
        for (int i = 0; i < 700; i++) {
            asker.bytes(asker.read((8 << 20) + i * 28_672L, 4096));
        }
        for (int round = 0; round < 20; round++) {
            for (int i = 0; i < 64; i++) {
                asker.bytes(asker.read(i * 16_384L, 4096));
            }
        }
        for (long at = 8 << 20; at < DEVICE_BYTES; at += 65536) {
            asker.bytes(asker.read(at, 65536));
        }
        long before = readsBelow();
        for (int i = 0; i < 64; i++) {
            asker.bytes(asker.read(i * 16_384L, 4096));
        }
        assertTrue(readsBelow() - before < 16, (readsBelow() - before) + " of 64 were washed out");
    }

    @Test
    void givesItsMemoryBackWhenThePoolIsSpent() {
        for (long at = 0; at < 4 << 20; at += 4096) {
            asker.bytes(asker.read(at, 4096));
        }
        assertTrue(cache.heldBytes() > 1 << 20);
        List<Buffers> exports = new ArrayList<>();
        for (long taken = 0; taken < POOL_BYTES; taken += 262_144) {
            Buffers payload = context.pool().allocate(262_144);
            assertNotNull(payload, "the cache starves an export of memory after " + taken);
            exports.add(payload);
        }
        assertEquals(0, cache.heldBytes());
        assertEquals(0, context.pool().spentCount());
        exports.forEach(Buffers::release);
    }

    @Test
    void aFailedReadIsNotCached() {
        faults.refuseAll(DeviceFault.Kind.IO);
        assertEquals(DeviceFault.Kind.IO, asker.fault(asker.read(0, 4096)).kind());
        faults.passAll();
        asker.bytes(asker.read(0, 4096));
        assertEquals(1, readsBelow());
    }

    @Test
    void aBadBlockFailsOnlyTheReadsThatWantIt() {
        faults.decideBy(
                request ->
                        request.offsetBytes() <= 512
                                        && request.offsetBytes() + request.lengthBytes() > 512
                                ? FaultLayer.refuse(DeviceFault.Kind.IO, request)
                                : FaultLayer.PASS);
        asker.bytes(asker.read(0, 512));
        asker.bytes(asker.read(2048, 1024));
        assertEquals(DeviceFault.Kind.IO, asker.fault(asker.read(512, 512)).kind());
    }

    @Test
    void aFlushGoesDown() {
        asker.done(asker.flush());
        assertTrue(memory.asked().getLast() instanceof IoRequest.Flush);
    }

    @Test
    void aCacheWithoutRoomIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> CacheOptions.of(4096));
    }
}

package org.unifiedvolume.raid.integrity;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.device.BlockDevice;
import org.unifiedvolume.device.IoContext;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;
import org.unifiedvolume.request.IoRequest;
import org.unifiedvolume.request.IoTag;
import org.unifiedvolume.request.Operation;
import org.unifiedvolume.request.Outcome;

/// The checksums that one member keeps, in memory as far as they are in use.
///
/// Blocks of the area come into memory when they are asked for and stay until others need the room;
/// what has changed is written at once, so that the process may end at any moment. A write that
/// failed is tried again at every flush, and its block stays in memory, until it has been written
/// while nothing is overdue: a write that comes too late could put older checksums in its place.
///
/// Safe for concurrent callers.
final class ChecksumArea {
    /// Who waits for a block.
    @FunctionalInterface
    interface User {
        /// Told exactly once, on any thread; must not block. Gives the block back with [#giveBack].
        ///
        /// @param fault why there is no block; null if there is one
        void given(ChecksumBlock block, DeviceFault fault);
    }

    private static final Logger LOG = LoggerFactory.getLogger(ChecksumArea.class);

    /// After so many failed reads of a block the medium is to blame, not a passing error.
    private static final int MAX_READS = 4;

    private static final int MAX_SPARE_PAYLOADS = 64;
    private static final int PAGE_BLOCKS = 4096;
    private static final long ALIGNMENT_BYTES = 4096;

    /// @param mayBeLost whether a block that cannot be read shall count as lost
    private record Waiting(User user, boolean mayBeLost) {}

    private final BlockDevice below;
    private final IoContext io;
    private final UUID member;
    private final long areaOffset;
    private final int untouched;
    private final BooleanSupplier isOverdue;
    private final int capacity;

    /// Who is in memory, in pages, so that a large member costs little before it is used.
    private final AtomicReferenceArray<AtomicReferenceArray<ChecksumBlock>> resident;

    private final ReentrantLock lock = new ReentrantLock();

    // Under the lock.
    private final ArrayDeque<ChecksumBlock> oldest = new ArrayDeque<>();
    private final Map<Long, List<Waiting>> loading = new HashMap<>();
    private final Set<ChecksumBlock> unsaved = new LinkedHashSet<>();
    private final ArrayDeque<Buffers> payloads = new ArrayDeque<>();

    /// @param offset where the area begins on the member
    /// @param dataBytes how much data it is about
    /// @param untouched what is known of data whose checksums were never written
    /// @param isOverdue whether the member may still carry out writes that have failed
    /// @param capacity how many blocks are kept in memory while none of them is needed
    ChecksumArea(
            BlockDevice below,
            IoContext io,
            UUID member,
            long offset,
            long dataBytes,
            int untouched,
            BooleanSupplier isOverdue,
            int capacity) {
        this.below = below;
        this.io = io;
        this.member = member;
        this.areaOffset = offset;
        this.untouched = untouched;
        this.isOverdue = isOverdue;
        this.capacity = capacity;
        long blocks = ChecksumSectors.areaBytes(dataBytes) / ChecksumSectors.BLOCK_BYTES;
        this.resident =
                new AtomicReferenceArray<>(
                        Math.toIntExact((blocks + PAGE_BLOCKS - 1) / PAGE_BLOCKS));
    }

    Checksums checksums() {
        return new Checksums(member);
    }

    /// A block that is in memory; null if it is not.
    ChecksumBlock cached(long number) {
        AtomicReferenceArray<ChecksumBlock> page = resident.get((int) (number / PAGE_BLOCKS));
        ChecksumBlock block = page == null ? null : page.get((int) (number % PAGE_BLOCKS));
        if (block != null && !block.wasUsed) {
            block.wasUsed = true;
        }
        return block;
    }

    /// Under the lock.
    private void setResident(long number, ChecksumBlock block) {
        int index = (int) (number / PAGE_BLOCKS);
        AtomicReferenceArray<ChecksumBlock> page = resident.get(index);
        if (page == null) {
            page = new AtomicReferenceArray<>(PAGE_BLOCKS);
            resident.set(index, page);
        }
        page.set((int) (number % PAGE_BLOCKS), block);
    }

    /// Gives a block to somebody who needs it to stay in memory.
    ///
    /// @param mayBeLost whether a block that cannot be read shall count as lost, as it is about to
    ///     be written
    void use(long number, boolean mayBeLost, User user) {
        ChecksumBlock block;
        lock.lock();
        try {
            block = cached(number);
            if (block == null) {
                List<Waiting> others = loading.get(number);
                if (others != null) {
                    others.add(new Waiting(user, mayBeLost));
                    return;
                }
                loading.put(number, new ArrayList<>(List.of(new Waiting(user, mayBeLost))));
            } else {
                block.users++;
            }
        } finally {
            lock.unlock();
        }
        if (block == null) {
            new Load(number).start();
        } else {
            user.given(block, null);
        }
    }

    void giveBack(ChecksumBlock block) {
        lock.lock();
        try {
            block.users--;
        } finally {
            lock.unlock();
        }
    }

    /// Reads one block from the member.
    private final class Load {
        private final long number;
        private int reads;

        Load(long number) {
            this.number = number;
        }

        void start() {
            reads++;
            long offset = offsetOf(number);
            IoTag tag = tag(Operation.READ, offset);
            below.submit(
                    new IoRequest.Read(tag, offset, ChecksumSectors.BLOCK_BYTES),
                    (_, outcome) -> answered(outcome));
        }

        private void answered(Outcome outcome) {
            switch (outcome) {
                case Outcome.Data(Buffers buffers) -> {
                    int[] entries = decode(buffers);
                    loaded(number, new ChecksumBlock(number, entries), null);
                }
                case Outcome.Failed(DeviceFault fault) -> {
                    if (fault.kind() == DeviceFault.Kind.IO && reads < MAX_READS) {
                        start();
                    } else {
                        loaded(number, null, fault);
                    }
                }
                case Outcome other -> throw new AssertionError("a read was answered " + other);
            }
        }

        private int[] decode(Buffers buffers) {
            int[] entries = new int[ChecksumSectors.ENTRIES];
            byte[] bytes = buffers.toBytes();
            buffers.release();
            int bad =
                    ChecksumSectors.decode(
                            checksums(), number, MemorySegment.ofArray(bytes), untouched, entries);
            if (bad > 0) {
                LOG.warn(
                        "{}: {} sectors of checksums at offset {} are damaged",
                        below,
                        bad,
                        offsetOf(number));
            }
            return entries;
        }
    }

    private void loaded(long number, ChecksumBlock found, DeviceFault fault) {
        ChecksumBlock block = found;
        List<Waiting> all;
        lock.lock();
        try {
            all = loading.remove(number);
            if (block == null && isLost(fault) && all.stream().anyMatch(Waiting::mayBeLost)) {
                LOG.warn(
                        "{}: checksums at offset {} cannot be read ({}); data there count as wrong"
                                + " until they are written anew",
                        below,
                        offsetOf(number),
                        fault.getMessage());
                block = lostBlock(number);
            }
            if (block != null) {
                block.users = all.size();
                makeRoom();
                setResident(number, block);
                oldest.add(block);
            }
        } finally {
            lock.unlock();
        }
        for (Waiting waiting : all) {
            waiting.user.given(block, block == null ? fault : null);
        }
    }

    private static boolean isLost(DeviceFault fault) {
        return fault.kind() == DeviceFault.Kind.IO;
    }

    private static ChecksumBlock lostBlock(long number) {
        int[] entries = new int[ChecksumSectors.ENTRIES];
        Arrays.fill(entries, Checksums.LOST);
        return new ChecksumBlock(number, entries);
    }

    /// Under the lock: forgets blocks that nobody has looked at for a while.
    private void makeRoom() {
        int tries = 2 * oldest.size();
        while (oldest.size() >= capacity && tries-- > 0) {
            ChecksumBlock block = oldest.poll();
            if (block.users > 0 || block.wasUsed || block.isNeeded()) {
                block.wasUsed = false;
                oldest.add(block);
            } else {
                setResident(block.number(), null);
            }
        }
    }

    /// How many blocks are in memory.
    int residentCount() {
        lock.lock();
        try {
            return oldest.size();
        } finally {
            lock.unlock();
        }
    }

    /// Writes a block to the member: all that was set in it before this call.
    void save(ChecksumBlock block, Durability durability, ChecksumBlock.Saver saver) {
        if (block.add(saver, durability)) {
            writeOn(block);
        }
    }

    private void writeOn(ChecksumBlock block) {
        Write next = nextWrite(block);
        while (next != null) {
            next = next.start() ? nextWrite(block) : null;
        }
    }

    private Write nextWrite(ChecksumBlock block) {
        Buffers payload = takePayload();
        MemorySegment memory = payload.slice(0).block().memory();
        ChecksumBlock.Flight flight = block.takeOff(checksums(), memory);
        if (flight == null) {
            recycle(payload);
            return null;
        }
        return new Write(block, flight, payload);
    }

    private Buffers takePayload() {
        Buffers spare;
        lock.lock();
        try {
            spare = payloads.poll();
        } finally {
            lock.unlock();
        }
        return spare != null
                ? spare
                : Buffers.outsidePool(
                        Arena.ofAuto().allocate(ChecksumSectors.BLOCK_BYTES, ALIGNMENT_BYTES));
    }

    private void recycle(Buffers payload) {
        lock.lock();
        try {
            if (payloads.size() < MAX_SPARE_PAYLOADS) {
                payloads.add(payload);
            }
        } finally {
            lock.unlock();
        }
    }

    /// One write of a block, and who is told of it.
    private final class Write {
        private final ChecksumBlock block;
        private final ChecksumBlock.Flight flight;
        private final Buffers payload;
        private final boolean mayBeOvertaken;

        /// Taken by the first of the two that come back, the call and the answer; the other one
        /// goes on with the next write.
        private final AtomicBoolean first = new AtomicBoolean(true);

        Write(ChecksumBlock block, ChecksumBlock.Flight flight, Buffers payload) {
            this.block = block;
            this.flight = flight;
            this.payload = payload;
            this.mayBeOvertaken = block.isUnsaved() && isOverdue.getAsBoolean();
        }

        /// @return whether it was answered already
        boolean start() {
            long offset = offsetOf(block.number());
            IoTag tag = tag(Operation.WRITE, offset);
            below.submit(
                    new IoRequest.Write(tag, offset, payload, flight.durability()),
                    (_, outcome) -> answered(outcome));
            return !first.compareAndSet(true, false);
        }

        private void answered(Outcome outcome) {
            DeviceFault fault = outcome instanceof Outcome.Failed(DeviceFault why) ? why : null;
            remember(fault != null, fault != null || mayBeOvertaken);
            flight.savers().forEach(saver -> saver.saved(fault));
            if (!first.compareAndSet(true, false)) {
                writeOn(block);
            }
        }

        /// @param hasFailed whether the payload may still be on its way
        private void remember(boolean hasFailed, boolean isUnsaved) {
            block.setUnsaved(isUnsaved);
            lock.lock();
            try {
                if (isUnsaved) {
                    unsaved.add(block);
                } else if (!unsaved.isEmpty()) {
                    unsaved.remove(block);
                }
            } finally {
                lock.unlock();
            }
            if (!hasFailed) {
                recycle(payload);
            }
        }
    }

    /// Writes what could not be written before.
    void saveUnsaved(ChecksumBlock.Saver saver) {
        List<ChecksumBlock> all;
        lock.lock();
        try {
            all = List.copyOf(unsaved);
        } finally {
            lock.unlock();
        }
        if (all.isEmpty()) {
            saver.saved(null);
            return;
        }
        DeviceFault[] why = new DeviceFault[1];
        AtomicInteger pending = new AtomicInteger(all.size());
        for (ChecksumBlock block : all) {
            save(
                    block,
                    Durability.VOLATILE,
                    fault -> {
                        synchronized (why) {
                            why[0] = fault == null ? why[0] : fault;
                        }
                        if (pending.decrementAndGet() == 0) {
                            saver.saved(why[0]);
                        }
                    });
        }
    }

    private long offsetOf(long number) {
        return areaOffset + number * ChecksumSectors.BLOCK_BYTES;
    }

    private IoTag tag(Operation operation, long offset) {
        long length = ChecksumSectors.BLOCK_BYTES;
        return new IoTag(
                io.ids().next(),
                0,
                operation,
                below.locality(operation, offset, length),
                offset,
                length,
                0,
                io.timers().nanoTime());
    }
}

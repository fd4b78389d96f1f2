package org.unifiedvolume.raid.stripe;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.raid.redundant.MemberAccess;
import org.unifiedvolume.raid.redundant.Roles;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Outcome;

/// Closes the write hole: what a change sends to the legs of a stripe is durable here first, so
/// that it can be done again if the power goes when only some of them have it.
///
/// So many legs hold the same ring of entries that one of them is left when all are lost that the
/// array can lose. One write is under way at a time; changes that come meanwhile gather and share
/// the next entry. An entry counts until its changes have been flushed on their legs and a later
/// entry or a head says so; its place is free when a head says so. When the ring is half full the
/// journal asks for a flush. Changes that need no journal revoke entries that still count first.
///
/// When other legs have to hold the ring, it is emptied by a flush, and the heads of all legs name
/// the new holders: a *generation*. Entries of other generations never count.
///
/// The state is guarded by one lock, under which nothing is submitted and nobody is told.
public class Journal {
    private static final Logger LOG = LoggerFactory.getLogger(Journal.class);
    private static final long MOST_ENTRY_BYTES = 1 << 20;
    private static final long BLOCK_GRID = 512;

    /// What fills an entry up to whole blocks.
    private static final Buffers PADDING =
            Buffers.outsidePool(Arena.global().allocate(JournalHeader.BYTES, JournalHeader.BYTES));

    private final UUID array;
    private final JournalPlace[] places;
    private final int parityCount;
    private final long rowBytes;
    private final long ringBytes;
    private final ReentrantLock lock = new ReentrantLock();
    private final ArrayDeque<JournalChange> waiting = new ArrayDeque<>();
    private final ArrayDeque<JournalEntry> entries = new ArrayDeque<>();

    /// Rows of an entry that could not be written, and may stand in the ring nevertheless.
    private final List<long[]> doubtful = new ArrayList<>();

    private long blockBytes = BLOCK_GRID;
    private long mostEntryBytes;
    private Group group;
    private Roles roles;
    private long generation;
    private long headCount;
    private long holders;
    private long headed;
    private long nextSequence = 1;
    private long flushedSequence;
    private long countingSequence = 1;
    private long nextStart;
    private long tailStart;
    private boolean busy;
    private boolean flushing;
    private boolean mustMove;
    private boolean endedSinceFlush;

    /// How many changes stay in the ring until nobody knows when.
    private int lasting;

    /// Whether something failed that is only tried again when somebody asks.
    private boolean resting;

    /// @param array the UUID of the array
    /// @param places by role; null where it is not known
    /// @param parityCount how many legs the array can lose
    /// @param rowBytes how much of each leg's data area is used
    public Journal(UUID array, JournalPlace[] places, int parityCount, long rowBytes) {
        this.array = array;
        this.places = places.clone();
        this.parityCount = parityCount;
        this.rowBytes = rowBytes;
        long shortest = Long.MAX_VALUE;
        for (JournalPlace place : places) {
            if (place != null) {
                shortest = Math.min(shortest, place.length());
            }
        }
        long ring = shortest - JournalHead.SLOTS_BYTES;
        this.ringBytes = ring - ring % JournalHeader.BYTES;
        setBlocks(1, MOST_ENTRY_BYTES);
    }

    /// Another member, which takes no changes yet, has a role from now on.
    ///
    /// @param place null if it has no room for the journal
    void seated(int role, JournalPlace place) {
        lock.lock();
        try {
            boolean fits = place != null && place.length() - JournalHead.SLOTS_BYTES >= ringBytes;
            places[role] = fits ? place : null;
        } finally {
            lock.unlock();
        }
    }

    /// Learns what the legs can do together.
    final void setBlocks(int newBlockBytes, long maxTransferBytes) {
        blockBytes = Math.max(BLOCK_GRID, newBlockBytes);
        long most = Math.min(Math.min(MOST_ENTRY_BYTES, ringBytes / 4), maxTransferBytes);
        mostEntryBytes = most - most % JournalHeader.BYTES;
    }

    /// How many rows of so many legs fit into one entry.
    long mostRows(int legs) {
        long rows = (mostEntryBytes - JournalHeader.BYTES) / legs;
        return Math.max(blockBytes, rows - rows % blockBytes);
    }

    /// Finds the journal on the legs, replays it if the array was not stopped, and begins
    /// a new generation. Blocks.
    void open(Group newGroup, boolean wasClean) throws IOException, InterruptedException {
        group = newGroup;
        JournalHead head = newestHead();
        if (head != null) {
            generation = head.generation();
            headCount = head.count() + 1;
            nextSequence = head.sequence();
            if (!wasClean) {
                nextSequence = 1 + new JournalReplay(group, array, places, head, rowBytes).run();
                flushLegs();
            }
        } else if (!wasClean) {
            LOG.info("volume {}: no journal found to replay", group.volume());
        }
        flushedSequence = nextSequence - 1;
        countingSequence = nextSequence;
        writeFirstHeads();
    }

    private JournalHead newestHead() {
        JournalHead newest = null;
        for (int role = 0; role < places.length; role++) {
            if (!group.roles().isWritable(role) || places[role] == null) {
                continue;
            }
            Leg leg = group.roles().leg(role);
            try {
                byte[] slots =
                        new MemberAccess(leg.device(), group.blocking())
                                .read(places[role].offset(), JournalHead.SLOTS_BYTES);
                for (int at = 0; at < slots.length; at += JournalHead.BYTES) {
                    JournalHead found =
                            JournalHead.decode(
                                    ByteBuffer.wrap(slots, at, JournalHead.BYTES), array);
                    if (found != null && (newest == null || found.count() > newest.count())) {
                        newest = found;
                    }
                }
            } catch (IOException e) {
                LOG.warn(
                        "volume {}: its journal cannot be read: {}",
                        group.volume(),
                        e.getMessage());
            }
        }
        return newest;
    }

    private void flushLegs() throws IOException, InterruptedException {
        DeviceFault[] faults = new DeviceFault[group.roles().count()];
        for (Leg leg : group.roles().writable()) {
            try {
                group.blocking().flush(leg);
            } catch (DeviceFault fault) {
                faults[leg.role()] = fault;
            }
        }
        settle(faults);
    }

    private void writeFirstHeads() throws IOException {
        Roles now = group.roles();
        generation++;
        holders = holdersAmong(now);
        headed = writable(now);
        JournalHead head = head(generation, holders, nextSequence, 0);
        DeviceFault[] faults = new DeviceFault[now.count()];
        for (Leg leg : now.writable()) {
            JournalPlace place = places[leg.role()];
            if (place != null) {
                try {
                    new MemberAccess(leg.device(), group.blocking())
                            .writeDurable(place.offset() + slotOffset(head), head.encode());
                } catch (IOException e) {
                    if (!(e.getCause() instanceof DeviceFault fault)) {
                        throw e;
                    }
                    faults[leg.role()] = fault;
                }
            }
        }
        headCount++;
        settle(faults);
        rolesChanged(group.roles());
    }

    private void settle(DeviceFault[] faults) throws IOException {
        for (DeviceFault fault : faults) {
            if (fault != null) {
                DeviceFault why = group.settle(faults);
                if (why != null) {
                    throw new IOException(
                            "volume %s: its journal cannot be begun: %s"
                                    .formatted(group.volume(), why.getMessage()),
                            why);
                }
                return;
            }
        }
    }

    private JournalHead head(long ofGeneration, long heldBy, long sequence, long start) {
        return new JournalHead(
                array, headCount, ofGeneration, heldBy, ringBytes, sequence, start % ringBytes);
    }

    private static long slotOffset(JournalHead head) {
        return (long) head.slot() * JournalHead.BYTES;
    }

    private static long writable(Roles roles) {
        long found = 0;
        for (Leg leg : roles.writable()) {
            found |= leg.bit();
        }
        return found;
    }

    /// The legs that can hold the ring. One that is being rebuilt can: what it holds of the ring is
    /// whole, whatever it lacks of the data.
    private long placed(Roles now) {
        long found = 0;
        for (int role = 0; role < places.length; role++) {
            found |= places[role] != null && now.isWritable(role) ? 1L << role : 0;
        }
        return found;
    }

    /// How many legs have to hold the ring: one more than the array can lose.
    private int holdersNeeded(Roles now) {
        return Math.min(parityCount + 1, Long.bitCount(placed(now)));
    }

    /// The present holders as far as they are good, then complete local legs, then complete ones,
    /// then others.
    private long holdersAmong(Roles now) {
        long candidates = placed(now);
        long local = 0;
        for (int role = 0; role < places.length; role++) {
            if (now.isComplete(role) && now.leg(role).locality() == Locality.LOCAL) {
                local |= 1L << role;
            }
        }
        int needed = holdersNeeded(now);
        long found = take(0, holders & candidates, needed);
        found = take(found, candidates & local, needed);
        found = take(found, candidates & now.complete(), needed);
        return take(found, candidates, needed);
    }

    private static long take(long found, long candidates, int needed) {
        long all = found;
        for (int role = 0; role < Long.SIZE && Long.bitCount(all) < needed; role++) {
            all |= candidates & (1L << role);
        }
        return all;
    }

    /// Under the lock of the states: only notes what has to be done.
    void rolesChanged(Roles now) {
        boolean asks;
        lock.lock();
        try {
            roles = now;
            asks = noticeMove();
        } finally {
            lock.unlock();
        }
        if (asks) {
            group.io().timers().after(0, this::pump);
        }
    }

    /// Whether other legs have to hold the ring, or legs lack a head, which was not known yet.
    /// Under the lock.
    private boolean noticeMove() {
        if (headed == 0) {
            return false; // not open yet
        }
        long takers = writable(roles);
        headed &= takers;
        boolean isNew = (takers & ~headed) != 0;
        boolean areTooFew = Long.bitCount(holders & takers) < holdersNeeded(roles);
        boolean asks = !mustMove && (isNew || areTooFew);
        mustMove |= asks;
        return asks;
    }

    /// A change is about to send something to the legs. Its rows are held.
    ///
    /// @return whether it may go on at once; if not, it is told ([JournalChange#entered])
    boolean enter(JournalChange change) {
        lock.lock();
        try {
            if (!change.isJournalled() && !counts(change.row(), change.endRow())) {
                return true;
            }
            waiting.add(change);
            resting = false;
        } finally {
            lock.unlock();
        }
        pump();
        return false;
    }

    /// Whether an entry that a replay would carry out describes some of these rows.
    boolean counts(long row, long endRow) {
        for (JournalEntry entry : entries) {
            if (entry.sequence() >= countingSequence && entry.describes(row, endRow)) {
                return true;
            }
        }
        for (long[] rows : doubtful) {
            if (rows[0] < endRow && row < rows[1]) {
                return true;
            }
        }
        return false;
    }

    /// Legs failed what a change sent them, and get it again until they take it: it stays in the
    /// ring meanwhile. Others do not wait for that.
    void lasts(JournalChange change) {
        lock.lock();
        try {
            change.lasts = change.entry != null;
            lasting += change.lasts ? 1 : 0;
        } finally {
            lock.unlock();
        }
        pump();
    }

    /// All legs have answered what a change sent them.
    void left(JournalChange change) {
        lock.lock();
        try {
            if (change.lasts) {
                lasting--;
            }
            if (change.entry != null) {
                change.entry.changeEnded();
                endedSinceFlush |= change.entry.isComplete();
            }
        } finally {
            lock.unlock();
        }
        pump();
    }

    /// Up to which entry everything has been answered.
    long flushBegins() {
        lock.lock();
        try {
            for (JournalEntry entry : entries) {
                if (!entry.isComplete()) {
                    return entry.sequence() - 1;
                }
            }
            return nextSequence - 1;
        } finally {
            lock.unlock();
        }
    }

    /// The changes of all entries up to `mark` are durable on their legs.
    void flushed(long mark) {
        lock.lock();
        try {
            flushedSequence = Math.max(flushedSequence, mark);
        } finally {
            lock.unlock();
        }
        pump();
    }

    private void pump() {
        while (true) {
            Runnable next;
            lock.lock();
            try {
                next = busy || resting || group == null ? null : choose();
            } finally {
                lock.unlock();
            }
            if (next == null) {
                return;
            }
            next.run();
        }
    }

    /// What is to be done next; null if nothing, or it has to wait. Under the lock.
    private Runnable choose() {
        if (mustMove) {
            for (JournalEntry entry : entries) {
                if (!entry.isComplete()) {
                    return refuseIfItLasts();
                }
            }
            return flushedSequence + 1 == nextSequence ? moveHolders() : startFlush();
        }
        if (nextStart - tailStart > ringBytes / 2) {
            boolean pays = startAfterFlushed() - tailStart > ringBytes / 8;
            Runnable relief = pays ? reclaim() : startFlush();
            if (relief != null) {
                return relief;
            }
        }
        if (waiting.isEmpty()) {
            return null;
        }
        List<JournalChange> batch = nextBatch();
        if (batch != null) {
            return writeEntry(batch);
        }
        if (canReclaim()) {
            return reclaim();
        }
        Runnable flush = startFlush();
        return flush != null || flushing ? flush : refuseIfItLasts();
    }

    /// Those that wait would wait for a change that legs do not take.
    private Runnable refuseIfItLasts() {
        if (lasting == 0 || waiting.isEmpty()) {
            return null;
        }
        List<JournalChange> refused = takeAll();
        DeviceFault why =
                new DeviceFault(
                        DeviceFault.Kind.IO,
                        "volume %s: its journal waits for a change that members do not take"
                                .formatted(group.volume()));
        return () -> refused.forEach(change -> change.entered(why));
    }

    private boolean canReclaim() {
        return !entries.isEmpty() && entries.getFirst().sequence() <= flushedSequence;
    }

    /// Where the first entry stands that has not been flushed.
    private long startAfterFlushed() {
        for (JournalEntry entry : entries) {
            if (entry.sequence() > flushedSequence) {
                return entry.start();
            }
        }
        return nextStart;
    }

    private Runnable startFlush() {
        if (flushing || !endedSinceFlush) {
            return null;
        }
        flushing = true;
        endedSinceFlush = false;
        return () -> group.flush((_, outcome) -> flushEnded(outcome));
    }

    private void flushEnded(Outcome outcome) {
        DeviceFault why = outcome instanceof Outcome.Failed(DeviceFault fault) ? fault : null;
        List<JournalChange> refused = List.of();
        lock.lock();
        try {
            flushing = false;
            if (why != null) {
                endedSinceFlush = true;
                resting = true;
                refused = takeAll();
            }
        } finally {
            lock.unlock();
        }
        if (why == null) {
            pump();
        } else {
            refused.forEach(change -> change.entered(why));
        }
    }

    private List<JournalChange> takeAll() {
        List<JournalChange> all = List.copyOf(waiting);
        waiting.clear();
        return all;
    }

    /// As many of those that wait as fit into one entry; null if there is no room for the first.
    private List<JournalChange> nextBatch() {
        List<JournalChange> batch = new ArrayList<>();
        int records = 0;
        long bytes = 0;
        for (JournalChange change : waiting) {
            records += Math.max(1, change.count());
            bytes += change.blockBytes();
            boolean fits =
                    records <= JournalHeader.MOST_RECORDS
                            && JournalHeader.lengthBytes(bytes) <= mostEntryBytes;
            if (!batch.isEmpty() && !fits) {
                break;
            }
            if (!hasRoom(JournalHeader.lengthBytes(bytes))) {
                break;
            }
            batch.add(change);
        }
        if (batch.isEmpty()) {
            return null;
        }
        batch.forEach(change -> waiting.poll());
        return batch;
    }

    private long startOf(long length) {
        long inRing = nextStart % ringBytes;
        return inRing + length <= ringBytes ? nextStart : nextStart - inRing + ringBytes;
    }

    private boolean hasRoom(long length) {
        return startOf(length) + length - tailStart <= ringBytes;
    }

    private Runnable writeEntry(List<JournalChange> batch) {
        busy = true;
        Roles now = roles;
        long targets = holders & writable(now);
        long oldest = flushedSequence + 1;
        long sequence = nextSequence;
        return () -> {
            JournalHeader header =
                    new JournalHeader(array, generation, sequence, oldest, records(batch));
            Buffers bytes = payload(header, batch);
            long start = startOf(header.lengthBytes());
            new JournalWrite(
                            group,
                            now,
                            bytes,
                            (_, outcome) -> entryEnded(batch, header, start, outcome))
                    .start(targets, places, JournalHead.SLOTS_BYTES + start % ringBytes);
        };
    }

    private static List<JournalHeader.Item> records(List<JournalChange> batch) {
        List<JournalHeader.Item> records = new ArrayList<>();
        for (JournalChange change : batch) {
            if (!change.isJournalled()) {
                records.add(
                        new JournalHeader.Item(
                                JournalHeader.ALL_ROLES,
                                JournalHeader.Kind.REVOKES,
                                change.row(),
                                change.endRow() - change.row(),
                                0));
            }
            for (int i = 0; i < change.count(); i++) {
                Buffers blocks = change.blocks(i);
                records.add(
                        new JournalHeader.Item(
                                change.role(i),
                                blocks == null
                                        ? JournalHeader.Kind.ZEROES
                                        : JournalHeader.Kind.BLOCKS,
                                change.row(i),
                                change.length(i),
                                blocks == null ? 0 : JournalReplay.checksum(blocks)));
            }
        }
        return records;
    }

    private static Buffers payload(JournalHeader header, List<JournalChange> batch) {
        MemorySegment first = Arena.ofAuto().allocate(JournalHeader.BYTES, JournalHeader.BYTES);
        header.encode(first.asByteBuffer());
        List<Buffers> parts = new ArrayList<>();
        parts.add(Buffers.outsidePool(first));
        long length = JournalHeader.BYTES;
        for (JournalChange change : batch) {
            for (int i = 0; i < change.count(); i++) {
                if (change.blocks(i) != null) {
                    parts.add(change.blocks(i));
                    length += change.length(i);
                }
            }
        }
        if (length < header.lengthBytes()) {
            parts.add(PADDING.part(0, header.lengthBytes() - length));
        }
        return Buffers.concat(parts.toArray(Buffers[]::new));
    }

    private void entryEnded(
            List<JournalChange> batch, JournalHeader header, long start, Outcome outcome) {
        DeviceFault why = outcome instanceof Outcome.Failed(DeviceFault fault) ? fault : null;
        lock.lock();
        try {
            busy = false;
            if (why == null) {
                JournalEntry entry = new JournalEntry(header.sequence(), start, batch);
                entries.add(entry);
                nextSequence++;
                nextStart = start + header.lengthBytes();
                countingSequence = header.oldest();
                doubtful.clear();
                endedSinceFlush |= entry.isComplete();
            } else {
                // The next entry takes its number and its place.
                for (JournalChange change : batch) {
                    doubtful.add(new long[] {change.row(), change.endRow()});
                }
            }
        } finally {
            lock.unlock();
        }
        for (JournalChange change : batch) {
            change.entered(why);
        }
        pump();
    }

    /// Frees the places of entries that do not count any more.
    private Runnable reclaim() {
        return writeHead(generation, holders);
    }

    private Runnable moveHolders() {
        mustMove = false;
        return writeHead(generation + 1, holdersAmong(roles));
    }

    private Runnable writeHead(long newGeneration, long newHolders) {
        busy = true;
        Roles now = roles;
        long targets = writable(now);
        long sequence = flushedSequence + 1;
        long tail = startAfterFlushed();
        JournalHead head = head(newGeneration, newHolders, sequence, tail);
        headCount++;
        return () ->
                new JournalWrite(
                                group,
                                now,
                                outsidePool(head.encode()),
                                (_, outcome) -> headEnded(head, targets, tail, outcome))
                        .start(targets, places, slotOffset(head));
    }

    private static Buffers outsidePool(byte[] bytes) {
        MemorySegment memory = Arena.ofAuto().allocate(bytes.length, JournalHead.BYTES);
        memory.copyFrom(MemorySegment.ofArray(bytes));
        return Buffers.outsidePool(memory);
    }

    private void headEnded(JournalHead head, long written, long tail, Outcome outcome) {
        DeviceFault why = outcome instanceof Outcome.Failed(DeviceFault fault) ? fault : null;
        List<JournalChange> refused = List.of();
        lock.lock();
        try {
            busy = false;
            if (why == null) {
                if (head.generation() != generation) {
                    generation = head.generation();
                    holders = head.holders();
                    headed = written & writable(roles);
                    doubtful.clear();
                }
                countingSequence = head.sequence();
                tailStart = tail;
                entries.removeIf(entry -> entry.sequence() < head.sequence());
                noticeMove();
            } else {
                mustMove |= head.generation() != generation;
                resting = true;
                refused = takeAll();
            }
        } finally {
            lock.unlock();
        }
        if (why == null) {
            pump();
        } else {
            refused.forEach(change -> change.entered(why));
        }
    }
}

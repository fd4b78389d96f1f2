package org.unifiedvolume.raid.stripe;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Roles;
import org.unifiedvolume.request.DeviceFault;
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

    private final UUID array;
    private final JournalHolders legs;
    private final long rowBytes;
    private final JournalRing ring;
    private final ReentrantLock lock = new ReentrantLock();
    private final UnjournalledRuns runs = new UnjournalledRuns();
    private final JournalQueue waiting = new JournalQueue();
    private long blockBytes = BLOCK_GRID;
    private long mostEntryBytes;
    private Group group;
    private Roles roles;
    private long generation;
    private long headCount;
    private long holders;
    private long headed;
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
        this.legs = new JournalHolders(places, parityCount);
        this.rowBytes = rowBytes;
        long room = legs.shortest() - JournalHead.SLOTS_BYTES;
        this.ring = new JournalRing(room - room % JournalHeader.BYTES);
        setBlocks(1, MOST_ENTRY_BYTES);
    }

    /// Another member has a role from now on. It takes no changes yet; or no change is under way,
    /// and it has nothing of the journal that the one before it had.
    ///
    /// @param place null if it has no room for the journal
    void seated(int role, JournalPlace place) {
        boolean asks;
        lock.lock();
        try {
            legs.setPlace(role, ifRoom(place));
            long bit = 1L << role;
            boolean takesChanges = (headed & bit) != 0;
            holders &= takesChanges ? ~bit : -1;
            headed &= ~bit;
            asks = takesChanges && noticeMove();
        } finally {
            lock.unlock();
        }
        if (asks) {
            group.io().timers().after(0, this::pump);
        }
    }

    /// There are more legs from now on, which take no changes yet.
    ///
    /// @param places of the new legs, by role from the first of them on; null where there is none
    void widen(JournalPlace[] places) {
        lock.lock();
        try {
            legs.widen(Arrays.stream(places).map(this::ifRoom).toArray(JournalPlace[]::new));
        } finally {
            lock.unlock();
        }
    }

    /// A place that has room for the ring; null for one that has not.
    private JournalPlace ifRoom(JournalPlace place) {
        boolean fits =
                place != null && place.length() - JournalHead.SLOTS_BYTES >= ring.ringBytes();
        return fits ? place : null;
    }

    /// Learns what the legs can do together.
    final void setBlocks(int newBlockBytes, long maxTransferBytes) {
        blockBytes = Math.max(BLOCK_GRID, newBlockBytes);
        long most = Math.min(Math.min(MOST_ENTRY_BYTES, ring.ringBytes() / 4), maxTransferBytes);
        mostEntryBytes = most - most % JournalHeader.BYTES;
    }

    /// How many rows of so many legs fit into one entry.
    long mostRows(int legs) {
        long rows = (mostEntryBytes - JournalHeader.BYTES) / legs;
        return Math.max(blockBytes, rows - rows % blockBytes);
    }

    /// Is told what a replay has found.
    interface Found {
        /// All rows before one have their new shape, durably. What the journal has of that counts
        /// until this returns.
        void reshaped(long row) throws IOException, InterruptedException;
    }

    /// As [#open(Group, boolean, Found)], of an array that is not being reshaped.
    void open(Group newGroup, boolean wasClean) throws IOException, InterruptedException {
        open(
                newGroup,
                wasClean,
                row -> {
                    throw new IOException(
                            "volume %s: its journal tells of a reshape, but its superblocks of none"
                                    .formatted(newGroup.volume()));
                });
    }

    /// Finds the journal on the legs, replays it if the array was not stopped, and begins
    /// a new generation. Blocks.
    void open(Group newGroup, boolean wasClean, Found told)
            throws IOException, InterruptedException {
        group = newGroup;
        JournalOpening opening = new JournalOpening(group, array, legs.places());
        JournalHead found = opening.newestHead();
        long sequence = ring.nextSequence();
        if (found != null) {
            generation = found.generation();
            headCount = found.count() + 1;
            sequence = found.sequence();
            if (!wasClean) {
                JournalReplay replay =
                        new JournalReplay(group, array, legs.places(), found, rowBytes);
                sequence = 1 + replay.run();
                opening.flushLegs();
                if (replay.reshapedRow() > 0) {
                    told.reshaped(replay.reshapedRow());
                }
            }
        } else if (!wasClean) {
            LOG.info("volume {}: no journal found to replay", group.volume());
        }
        ring.begin(sequence);
        generation++;
        holders = legs.among(group.roles(), holders);
        headed = JournalHolders.writable(group.roles());
        opening.write(head(generation, holders, 0));
        headCount++;
        rolesChanged(group.roles());
    }

    private JournalHead head(long ofGeneration, long heldBy, long start) {
        return new JournalHead(
                array,
                headCount,
                ofGeneration,
                heldBy,
                ring.ringBytes(),
                ring.oldest(),
                start % ring.ringBytes());
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
        long takers = JournalHolders.writable(roles);
        headed &= takers;
        boolean isNew = (takers & ~headed) != 0;
        boolean areTooFew = Long.bitCount(holders & takers) < legs.needed(roles);
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

    /// Writes over an entry that could not be written, and may stand in the ring nevertheless:
    /// with the number and in the place that it had.
    ///
    /// @param told when there is none any more; or why it cannot be written over
    void settle(Consumer<DeviceFault> told) {
        boolean isSettled;
        lock.lock();
        try {
            isSettled = !ring.isDoubtful();
            if (!isSettled) {
                waiting.add(
                        new JournalChange(0, 0, 0) {
                            @Override
                            void entered(DeviceFault fault) {
                                told.accept(fault);
                            }
                        });
                resting = false;
            }
        } finally {
            lock.unlock();
        }
        if (isSettled) {
            told.accept(null);
        } else {
            pump();
        }
    }

    /// Whether an entry that a replay would carry out describes some of these rows. Under the lock.
    boolean counts(long row, long endRow) {
        return ring.counts(row, endRow);
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

    /// What was written beside it.
    UnjournalledRuns runs() {
        return runs;
    }

    /// A flush of all legs begins; it makes durable what has been answered by now.
    ///
    /// @return the flush's number
    long flushBegins() {
        lock.lock();
        try {
            return runs.flushBegins(ring.answered());
        } finally {
            lock.unlock();
        }
    }

    /// A flush has succeeded: the changes of all entries that had been answered are durable.
    void flushed(long number) {
        Long answered = runs.flushed(number);
        if (answered == null) {
            return;
        }
        lock.lock();
        try {
            ring.flushed(answered);
        } finally {
            lock.unlock();
        }
        pump();
    }

    private static DeviceFault faultOf(Outcome outcome) {
        return outcome instanceof Outcome.Failed(DeviceFault fault) ? fault : null;
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
            if (!ring.isComplete()) {
                return refuseIfItLasts();
            }
            return ring.isFlushed() ? moveHolders() : startFlush();
        }
        if (ring.isHalfFull()) {
            Runnable relief = ring.paysToReclaim() ? reclaim() : startFlush();
            if (relief != null) {
                return relief;
            }
        }
        if (waiting.isEmpty()) {
            return null;
        }
        if (ring.isDoubtful()) {
            return writeEntry(waiting.takeThoseThatSettle());
        }
        List<JournalChange> batch = waiting.takeBatch(ring, mostEntryBytes);
        if (batch != null) {
            return writeEntry(batch);
        }
        if (ring.canReclaim()) {
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
        List<JournalChange> refused = waiting.takeAll();
        DeviceFault why =
                new DeviceFault(
                        DeviceFault.Kind.IO,
                        "volume %s: its journal waits for a change that members do not take"
                                .formatted(group.volume()));
        return () -> refused.forEach(change -> change.entered(why));
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
        DeviceFault why = faultOf(outcome);
        List<JournalChange> refused = List.of();
        lock.lock();
        try {
            flushing = false;
            if (why != null) {
                endedSinceFlush = true;
                resting = true;
                refused = waiting.takeAll();
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

    private Runnable writeEntry(List<JournalChange> batch) {
        busy = true;
        Roles now = roles;
        long targets = holders & JournalHolders.writable(now);
        long oldest = ring.oldest();
        long sequence = ring.nextSequence();
        return () -> {
            JournalHeader header =
                    new JournalHeader(
                            array, generation, sequence, oldest, JournalPayload.records(batch));
            Buffers bytes = JournalPayload.of(header, batch);
            long start = ring.startOf(header.lengthBytes());
            new JournalWrite(
                            group,
                            now,
                            bytes,
                            (_, outcome) -> entryEnded(batch, header, start, outcome))
                    .start(
                            targets,
                            legs.places(),
                            JournalHead.SLOTS_BYTES + start % ring.ringBytes());
        };
    }

    private void entryEnded(
            List<JournalChange> batch, JournalHeader header, long start, Outcome outcome) {
        DeviceFault why = faultOf(outcome);
        List<JournalChange> refused = List.of();
        lock.lock();
        try {
            busy = false;
            if (why == null) {
                endedSinceFlush |= ring.written(header, start, batch);
            } else {
                refused = ring.isDoubtful() ? waiting.takeAll() : refused; // it is still in the way
                ring.notWritten(batch);
            }
        } finally {
            lock.unlock();
        }
        for (JournalChange change : batch) {
            change.mayStand = why != null && change.isJournalled();
            change.entered(why);
        }
        refused.forEach(change -> change.entered(why));
        pump();
    }

    /// Frees the places of entries that do not count any more.
    private Runnable reclaim() {
        return writeHead(generation, holders);
    }

    private Runnable moveHolders() {
        mustMove = false;
        return writeHead(generation + 1, legs.among(roles, holders));
    }

    private Runnable writeHead(long newGeneration, long newHolders) {
        busy = true;
        Roles now = roles;
        long targets = JournalHolders.writable(now);
        long tail = ring.startAfterFlushed();
        JournalHead head = head(newGeneration, newHolders, tail);
        headCount++;
        return () ->
                new JournalWrite(
                                group,
                                now,
                                JournalPayload.outsidePool(head.encode()),
                                (_, outcome) -> headEnded(head, targets, tail, outcome))
                        .start(targets, legs.places(), head.slotOffset());
    }

    private void headEnded(JournalHead head, long written, long tail, Outcome outcome) {
        DeviceFault why = faultOf(outcome);
        List<JournalChange> refused = List.of();
        lock.lock();
        try {
            busy = false;
            if (why == null) {
                boolean isNew = head.generation() != generation;
                if (isNew) {
                    generation = head.generation();
                    holders = head.holders();
                    headed = written & JournalHolders.writable(roles);
                }
                ring.headWritten(head, tail, isNew);
                noticeMove();
            } else {
                mustMove |= head.generation() != generation;
                resting = true;
                refused = waiting.takeAll();
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

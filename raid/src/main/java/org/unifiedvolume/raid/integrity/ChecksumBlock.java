package org.unifiedvolume.raid.integrity;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Durability;

/// One block of the area in memory: some checksums, and who waits until they are on the member.
///
/// Checksums are read without a lock; a change sets those of the blocks that it holds. One write is
/// under way at a time, those that come meanwhile go together with the next one.
final class ChecksumBlock {
    /// Who waits until checksums are on the member.
    @FunctionalInterface
    interface Saver {
        /// Told exactly once, on any thread; must not block.
        ///
        /// @param fault why they are not; null if they are
        void saved(DeviceFault fault);
    }

    /// Those who wait for one write.
    record Flight(List<Saver> savers, Durability durability) {}

    private static final VarHandle ENTRY = MethodHandles.arrayElementVarHandle(int[].class);

    private final long number;
    private final int[] entries;

    /// How many changes need it in memory; under the lock of the area.
    int users;

    /// Whether somebody looked at it since the area last wanted to be rid of it.
    volatile boolean wasUsed = true;

    // Under the lock of this.
    private List<Saver> waiting = new ArrayList<>();
    private Durability wanted = Durability.VOLATILE;
    private boolean writing;
    private boolean unsaved;

    ChecksumBlock(long number, int[] entries) {
        this.number = number;
        this.entries = entries;
    }

    long number() {
        return number;
    }

    int get(int index) {
        return (int) ENTRY.getOpaque(entries, index);
    }

    void set(int index, int entry) {
        ENTRY.setOpaque(entries, index, entry);
    }

    /// Somebody waits for the next write.
    ///
    /// @return whether the caller has to start it
    synchronized boolean add(Saver saver, Durability durability) {
        waiting.add(saver);
        if (durability == Durability.DURABLE) {
            wanted = Durability.DURABLE;
        }
        boolean mustStart = !writing;
        writing = true;
        return mustStart;
    }

    /// What is to be written next.
    ///
    /// @param target gets the block as it goes to the member
    /// @return null if nobody waits; then nothing is under way any more
    synchronized Flight takeOff(Checksums checksums, MemorySegment target) {
        if (waiting.isEmpty()) {
            writing = false;
            return null;
        }
        Flight flight = new Flight(waiting, wanted);
        waiting = new ArrayList<>();
        wanted = Durability.VOLATILE;
        ChecksumSectors.encode(checksums, number, entries, target);
        return flight;
    }

    synchronized void setUnsaved(boolean isUnsaved) {
        unsaved = isUnsaved;
    }

    synchronized boolean isUnsaved() {
        return unsaved;
    }

    /// Whether the member lacks something of it.
    synchronized boolean isNeeded() {
        return writing || unsaved;
    }
}

package org.unifiedvolume.raid.stripe;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.buffer.Buffers;
import org.unifiedvolume.buffer.Slice;
import org.unifiedvolume.raid.redundant.Group;
import org.unifiedvolume.raid.redundant.Leg;
import org.unifiedvolume.request.DeviceFault;

/// Carries out again what the entries of a journal describe, after an unclean stop. On a control
/// thread, before the first request.
///
/// The chain of entries begins where the head says, and ends where no leg that holds the ring has
/// the next one whole: that one was being written, and nothing of it was sent to any leg.
final class JournalReplay {
    private static final Logger LOG = LoggerFactory.getLogger(JournalReplay.class);

    private record Found(JournalHeader header, long position) {}

    private final Group group;
    private final UUID array;
    private final JournalPlace[] places;
    private final JournalHead head;
    private final long rowBytes;
    private final List<Found> chain = new ArrayList<>();
    private long reshapedRow;

    /// @param rowBytes how much of each leg's data area is used
    JournalReplay(Group group, UUID array, JournalPlace[] places, JournalHead head, long rowBytes) {
        this.group = group;
        this.array = array;
        this.places = places;
        this.head = head;
        this.rowBytes = rowBytes;
    }

    /// @return the sequence number of the last entry; one before the head's if there is none
    /// @throws IOException if the array cannot do without a leg that fails
    long run() throws IOException, InterruptedException {
        findChain();
        if (chain.isEmpty()) {
            return head.sequence() - 1;
        }
        JournalHeader last = chain.getLast().header;
        int count = 0;
        for (int i = 0; i < chain.size(); i++) {
            if (chain.get(i).header.sequence() >= last.oldest()) {
                apply(i);
                count++;
            }
        }
        LOG.info("volume {}: replayed {} entries of the journal", group.volume(), count);
        return last.sequence();
    }

    /// All rows before this one have their new shape, by what was carried out; 0 if nothing was
    /// said of that.
    long reshapedRow() {
        return reshapedRow;
    }

    private void findChain() throws InterruptedException {
        long position = head.position();
        for (long sequence = head.sequence(); ; sequence++) {
            Found next = find(position, sequence);
            if (next == null && position > 0) {
                next = find(0, sequence); // it did not fit in before the end
            }
            if (next == null) {
                return;
            }
            chain.add(next);
            position = next.position + next.header.lengthBytes();
        }
    }

    /// Legs that are complete hold all that was written. One that is being rebuilt may hold what
    /// others wrote over while it was away.
    private Found find(long position, long sequence) throws InterruptedException {
        long complete = group.roles().complete();
        Found found = find(complete, position, sequence);
        return found == null ? find(~complete, position, sequence) : found;
    }

    private Found find(long among, long position, long sequence) throws InterruptedException {
        for (int role = 0; role < places.length; role++) {
            if ((among >> role & 1) != 0 && holds(role)) {
                JournalHeader header = header(role, position);
                if (header != null
                        && header.sequence() == sequence
                        && header.generation() == head.generation()
                        && header.lengthBytes() <= head.ringBytes() - position
                        && areRowsOfArray(header)) {
                    Buffers blocks = blocks(role, position, header);
                    if (blocks != null) {
                        blocks.release();
                        return new Found(header, position);
                    }
                }
            }
        }
        return null;
    }

    private boolean holds(int role) {
        return (head.holders() >> role & 1) != 0
                && group.roles().isWritable(role)
                && places[role] != null;
    }

    private boolean areRowsOfArray(JournalHeader header) {
        for (JournalHeader.Item item : header.records()) {
            boolean isOfLeg = item.kind() != JournalHeader.Kind.RESHAPES;
            if ((isOfLeg && item.role() >= places.length) || item.endRow() > rowBytes) {
                LOG.warn(
                        "volume {}: the journal describes row {} of member {}, which is not there",
                        group.volume(),
                        item.endRow(),
                        item.role());
                return false;
            }
        }
        return true;
    }

    private JournalHeader header(int role, long position) throws InterruptedException {
        if (position > head.ringBytes() - JournalHeader.BYTES) {
            return null;
        }
        Buffers bytes = read(role, position, JournalHeader.BYTES);
        if (bytes == null) {
            return null;
        }
        try {
            return JournalHeader.decode(ByteBuffer.wrap(bytes.toBytes()), array);
        } finally {
            bytes.release();
        }
    }

    /// The blocks behind a header, padding too; null if they are not what it says.
    private Buffers blocks(int role, long position, JournalHeader header)
            throws InterruptedException {
        long length = header.lengthBytes() - JournalHeader.BYTES;
        if (length == 0) {
            return Buffers.empty();
        }
        Buffers bytes = read(role, position + JournalHeader.BYTES, length);
        if (bytes == null) {
            return null;
        }
        long at = 0;
        for (JournalHeader.Item item : header.records()) {
            if (item.blockBytes() > 0
                    && checksum(bytes.part(at, item.blockBytes())) != item.checksum()) {
                bytes.release();
                return null;
            }
            at += item.blockBytes();
        }
        return bytes;
    }

    /// Null if the leg fails: another one may have it.
    private Buffers read(int role, long position, long length) throws InterruptedException {
        Leg leg = group.roles().leg(role);
        try {
            return group.blocking()
                    .readMember(
                            leg.device(),
                            places[role].offset() + JournalHead.SLOTS_BYTES + position,
                            length);
        } catch (DeviceFault fault) {
            LOG.warn(
                    "volume {}: {}: cannot read its journal: {}",
                    group.volume(),
                    leg.name(),
                    fault.getMessage());
            return null;
        }
    }

    static int checksum(Buffers bytes) {
        CRC32C sum = new CRC32C();
        for (int i = 0; i < bytes.sliceCount(); i++) {
            Slice slice = bytes.slice(i);
            sum.update(
                    slice.block().memory().asSlice(slice.offset(), slice.length()).asByteBuffer());
        }
        return (int) sum.getValue();
    }

    private void apply(int index) throws IOException, InterruptedException {
        Found entry = chain.get(index);
        Buffers blocks = null;
        for (int role = 0; role < places.length && blocks == null; role++) {
            if (holds(role) && entry.header.equals(header(role, entry.position))) {
                blocks = blocks(role, entry.position, entry.header);
            }
        }
        if (blocks == null) {
            throw new IOException(
                    "volume %s: an entry of its journal could be read once, but not again; try again"
                            .formatted(group.volume()));
        }
        try {
            long at = 0;
            for (JournalHeader.Item item : entry.header.records()) {
                if (item.kind() == JournalHeader.Kind.RESHAPES) {
                    // One of an earlier reshape, to fewer roles, counts no more.
                    boolean isOfThis = item.role() == places.length;
                    reshapedRow = Math.max(reshapedRow, isOfThis ? item.endRow() : 0);
                } else if (item.kind() != JournalHeader.Kind.REVOKES) {
                    boolean isZero = item.kind() == JournalHeader.Kind.ZEROES;
                    Buffers bytes = isZero ? null : blocks.part(at, item.lengthBytes());
                    applyUnrevoked(index, item, item.row(), item.endRow(), bytes);
                }
                at += item.blockBytes();
            }
        } finally {
            blocks.release();
        }
    }

    /// Applies a record's rows but for those that an entry after `index` revokes.
    private void applyUnrevoked(
            int index, JournalHeader.Item item, long row, long endRow, Buffers bytes)
            throws IOException, InterruptedException {
        if (row >= endRow) {
            return;
        }
        for (int later = index + 1; later < chain.size(); later++) {
            for (JournalHeader.Item other : chain.get(later).header.records()) {
                if (other.kind() == JournalHeader.Kind.REVOKES
                        && other.row() < endRow
                        && row < other.endRow()) {
                    applyUnrevoked(index, item, row, other.row(), bytes);
                    applyUnrevoked(index, item, other.endRow(), endRow, bytes);
                    return;
                }
            }
        }
        write(item, row, endRow, bytes);
    }

    private void write(JournalHeader.Item item, long row, long endRow, Buffers bytes)
            throws IOException, InterruptedException {
        if (!group.roles().isWritable(item.role())) {
            return; // it will be given its bytes by a rebuild
        }
        Leg leg = group.roles().leg(item.role());
        try {
            if (bytes == null) {
                group.blocking().zero(leg, row, endRow - row);
            } else {
                group.blocking().write(leg, row, bytes.part(row - item.row(), endRow - row));
            }
        } catch (DeviceFault fault) {
            DeviceFault[] faults = new DeviceFault[group.roles().count()];
            faults[item.role()] = fault;
            DeviceFault why = group.settle(faults);
            if (why != null) {
                throw new IOException(
                        "volume %s: cannot replay its journal to %s: %s"
                                .formatted(group.volume(), leg.name(), why.getMessage()),
                        why);
            }
        }
    }
}

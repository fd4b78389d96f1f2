package org.unifiedvolume.raid.stripe;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.buffer.Buffers;

/// What an entry of the journal consists of: its header, and the blocks of its changes as they lie
/// in memory. Nothing is copied.
final class JournalPayload {
    /// What fills an entry up to whole blocks.
    private static final Buffers PADDING =
            Buffers.outsidePool(Arena.global().allocate(JournalHeader.BYTES, JournalHeader.BYTES));

    private JournalPayload() {}

    static List<JournalHeader.Item> records(List<JournalChange> batch) {
        List<JournalHeader.Item> records = new ArrayList<>();
        for (JournalChange change : batch) {
            if (change.revokes()) {
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
            if (change.shapeRoles() > 0) {
                records.add(
                        new JournalHeader.Item(
                                change.shapeRoles(),
                                JournalHeader.Kind.RESHAPES,
                                change.row(),
                                change.endRow() - change.row(),
                                0));
            }
        }
        return records;
    }

    static Buffers of(JournalHeader header, List<JournalChange> batch) {
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

    /// Bytes that are written as they are.
    static Buffers outsidePool(byte[] bytes) {
        MemorySegment memory = Arena.ofAuto().allocate(bytes.length, JournalHead.BYTES);
        memory.copyFrom(MemorySegment.ofArray(bytes));
        return Buffers.outsidePool(memory);
    }
}

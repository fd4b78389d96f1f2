package org.unifiedvolume.raid.spread;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.raid.superblock.MemberEntry;
import org.unifiedvolume.raid.superblock.MemberState;
import org.unifiedvolume.raid.superblock.Superblock;

/// What an array that needs all of its members writes on them: what it is, and who they are.
///
/// A state counts when all members have it; a start takes the newest that any of them has. So
/// whatever a state relies on is durable before the first superblock that says it, and what it
/// gives up is used until the last one does. Blocks; one caller at a time.
final class SpreadRecord {
    private final String volume;
    private final Superblock origin;
    private final LongSupplier nowMillis;
    private final Map<UUID, Long> knownEvents = new ConcurrentHashMap<>();
    private final Map<UUID, Long> sinceMillis = new HashMap<>();
    private volatile ArrayDescription array;
    private volatile List<SpreadMember> members;
    private volatile long events;

    /// @param origin the superblock that says how the array is
    /// @param events the highest count of events that any of the members has
    /// @param members by role
    SpreadRecord(
            String volume,
            Superblock origin,
            long events,
            List<SpreadMember> members,
            LongSupplier nowMillis) {
        this.volume = volume;
        this.origin = origin;
        this.nowMillis = nowMillis;
        this.array = origin.array();
        this.events = events;
        this.members = List.copyOf(members);
        for (MemberEntry entry : origin.members()) {
            sinceMillis.put(entry.member(), entry.sinceMillis());
        }
        for (SpreadMember member : members) {
            knownEvents.put(member.uuid(), member.slots().current().events());
        }
    }

    /// What all members say; [SpreadMember#rowBytes] tells how much of each is used.
    ArrayDescription array() {
        return array;
    }

    /// By role.
    List<SpreadMember> members() {
        return members;
    }

    Superblock origin() {
        return origin;
    }

    long events() {
        return events;
    }

    long knownEvents(SpreadMember member) {
        return knownEvents.getOrDefault(member.uuid(), 0L);
    }

    /// Makes devices known as members that the next state will name; it is nothing yet, as no state
    /// counts less.
    ///
    /// @param nextMembers by role; the ones so far are among them
    void announce(ArrayDescription next, List<SpreadMember> nextMembers) throws IOException {
        long now = nowMillis.getAsLong();
        List<SpreadMember> fresh = new ArrayList<>(nextMembers);
        fresh.removeAll(members);
        fresh.forEach(member -> sinceMillis.put(member.uuid(), now));
        List<MemberEntry> table = table(nextMembers, false);
        for (SpreadMember member : fresh) {
            int role = nextMembers.indexOf(member);
            write(member, superblock(member, next, role, 0, table, false, now));
        }
    }

    /// Brings the next state to all members.
    ///
    /// Those that it names for the first time were announced: the first superblock that says it
    /// makes it the one that counts, and finds all that it needs.
    ///
    /// @param nextMembers by role; the ones so far are among them
    /// @param clean whether nothing is under way
    /// @throws IOException if a member could not be written; some may have the new state then
    void save(ArrayDescription next, List<SpreadMember> nextMembers, boolean clean)
            throws IOException {
        long now = nowMillis.getAsLong();
        long event = events + 1;
        events = event;
        List<SpreadMember> order = new ArrayList<>(members);
        nextMembers.stream().filter(member -> !order.contains(member)).forEach(order::add);
        List<MemberEntry> table = table(nextMembers, true);
        for (SpreadMember member : order) {
            int role = nextMembers.indexOf(member);
            write(member, superblock(member, next, role, event, table, clean, now));
        }
        nextMembers.forEach(member -> knownEvents.put(member.uuid(), event));
        array = next;
        members = List.copyOf(nextMembers);
    }

    private List<MemberEntry> table(List<SpreadMember> all, boolean isState) {
        List<MemberEntry> table = new ArrayList<>();
        for (int role = 0; role < all.size(); role++) {
            SpreadMember member = all.get(role);
            table.add(
                    new MemberEntry(
                            member.uuid(),
                            role,
                            MemberState.IN_SYNC,
                            sinceMillis.get(member.uuid()),
                            isState ? knownEvents(member) : 0,
                            member.rowBytes(),
                            member.name()));
        }
        return table;
    }

    private Superblock superblock(
            SpreadMember member,
            ArrayDescription next,
            int role,
            long event,
            List<MemberEntry> table,
            boolean clean,
            long now) {
        return new Superblock(
                next.withRows(member.rowBytes()),
                member.uuid(),
                role,
                member.areas(),
                event,
                origin.epoch(),
                origin.history(),
                now * 1000,
                clean,
                0,
                0,
                table);
    }

    private void write(SpreadMember member, Superblock superblock) throws IOException {
        int overdue = member.device().overdueCount();
        if (overdue > 0) {
            // One of them may be a superblock: it would undo this one.
            throw new IOException(
                    "volume %s: %s: %d changes that it has not answered in time may still happen"
                            .formatted(volume, member.name(), overdue));
        }
        try {
            member.slots().write(superblock);
        } catch (IOException e) {
            throw new IOException(
                    "volume %s: the superblock of %s cannot be written: %s"
                            .formatted(volume, member.name(), e.getMessage()),
                    e);
        }
    }
}

package org.unifiedvolume.raid.mirror;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.device.DeviceShape.Ability;
import org.unifiedvolume.raid.mirror.MirrorRecord.Entry;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.spi.LayoutMember;

/// Decides which legs of a mirror are good when it starts, from its record.
///
/// Refuses whatever could show old bytes as good ones; each refusal names the remedy.
final class MirrorStart {
    private final String volume;
    private final List<LayoutMember> members;
    private final MirrorOptions options;
    private final RecordStore store;

    MirrorStart(
            String volume, List<LayoutMember> members, MirrorOptions options, RecordStore store) {
        this.volume = volume;
        this.members = members;
        this.options = options;
        this.store = store;
    }

    /// Checks what needs no record.
    void checkMembers() throws IOException {
        int present = 0;
        StringBuilder problems = new StringBuilder();
        Set<String> names = new TreeSet<>();
        for (LayoutMember member : members) {
            if (!names.add(member.name())) {
                throw new IOException(
                        "volume %s: two legs are called %s; name each once"
                                .formatted(volume, member.name()));
            }
            if (member.isMissing()) {
                problems.append("; ").append(member.name()).append(": ").append(member.problem());
                continue;
            }
            present++;
            if (!member.device().shape().can(Ability.WRITE)) {
                throw new IOException(
                        "volume %s: leg %s is read-only, and every leg of a mirror is written; make it writable or leave it out"
                                .formatted(volume, member.name()));
            }
        }
        if (present == 0) {
            throw new IOException(
                    "volume %s: none of its legs can be opened%s".formatted(volume, problems));
        }
    }

    /// The record of the last run; null if this mirror is new.
    MirrorRecord load() throws IOException {
        byte[] bytes = store.load();
        if (bytes == null) {
            return null;
        }
        try {
            return MirrorRecord.decode(bytes);
        } catch (IOException e) {
            throw new IOException(
                    ("volume %s: the record %s is damaged: %s. Without it nobody knows which legs"
                                    + " are good. Restore it from a backup; or move it away and write"
                                    + " primary: with the leg that is right, and the others are copied"
                                    + " from that")
                            .formatted(volume, store.place(), e.getMessage()),
                    e);
        }
    }

    /// How large the mirror is.
    ///
    /// @param blockBytes the common grid of the legs
    long sizeBytes(MirrorRecord record, int blockBytes) throws IOException {
        long size = options.sizeBytes();
        if (size == 0) {
            size = record == null ? commonSize() : record.sizeBytes();
        }
        size -= size % blockBytes;
        if (record != null && size != record.sizeBytes()) {
            throw new IOException(
                    "volume %s: size: is %s, but the mirror was made with %s; write size: %s"
                            .formatted(
                                    volume,
                                    exact(size),
                                    exact(record.sizeBytes()),
                                    exact(record.sizeBytes())));
        }
        for (LayoutMember member : members) {
            if (!member.isMissing() && sizeOf(member) < size) {
                throw new IOException(
                        "volume %s: leg %s has %s, less than the mirror's %s; enlarge it or write a smaller size:"
                                .formatted(
                                        volume, member.name(), exact(sizeOf(member)), exact(size)));
            }
        }
        return size;
    }

    private long commonSize() throws IOException {
        long least = Long.MAX_VALUE;
        long most = 0;
        StringBuilder sizes = new StringBuilder();
        for (LayoutMember member : members) {
            if (!member.isMissing()) {
                least = Math.min(least, sizeOf(member));
                most = Math.max(most, sizeOf(member));
                sizes.append(sizes.isEmpty() ? "" : ", ")
                        .append(member.name())
                        .append(" has ")
                        .append(exact(sizeOf(member)));
            }
        }
        if (least != most) {
            throw new IOException(
                    "volume %s: its legs differ in size: %s; write size: %s to use that much of each"
                            .formatted(volume, sizes, exact(least)));
        }
        return least;
    }

    private static long sizeOf(LayoutMember member) {
        return member.device().shape().sizeBytes();
    }

    /// A size as it can be written in a configuration.
    private static String exact(long bytes) {
        String text = Units.size(bytes);
        return text.contains(".") ? Long.toString(bytes) : text.replace(" ", "");
    }

    /// The legs of a mirror that has run before, by its record.
    MirrorRecord resume(MirrorRecord record) throws IOException {
        checkNames(record);
        List<Entry> entries = new ArrayList<>();
        for (LayoutMember member : members) {
            Entry entry = record.leg(member.name());
            if (!member.isMissing() && sizeOf(member) != entry.sizeBytes()) {
                throw new IOException(
                        ("volume %s: leg %s has %s, but had %s when the mirror last ran: it is not"
                                        + " the same any more. Bring the old one back, or %s")
                                .formatted(
                                        volume,
                                        member.name(),
                                        exact(sizeOf(member)),
                                        exact(entry.sizeBytes()),
                                        startAnew()));
            }
            entries.add(entry);
        }
        int primary = choosePrimary(record, entries);
        if (primary < 0) {
            throw noGoodLeg(entries);
        }
        long now = System.currentTimeMillis();
        for (int i = 0; i < entries.size(); i++) {
            entries.set(i, atStart(i, entries.get(i), i == primary, record, primary, now));
        }
        return new MirrorRecord(record.generation(), record.sizeBytes(), false, primary, entries);
    }

    private Entry atStart(
            int index, Entry entry, boolean isPrimary, MirrorRecord record, int primary, long now) {
        LayoutMember member = members.get(index);
        LegState state = entry.state();
        if (isPrimary) {
            return state == LegState.IN_SYNC ? entry : with(entry, LegState.IN_SYNC, "", now);
        }
        if (member.isMissing()) {
            return state == LegState.STALE
                    ? entry
                    : with(entry, LegState.STALE, "missing at start: " + member.problem(), now);
        }
        if (state == LegState.IN_SYNC && !record.clean()) {
            return with(
                    entry,
                    LegState.UNCLEAN,
                    "the volume was not stopped cleanly; the measure is "
                            + members.get(primary).name(),
                    now);
        }
        return entry;
    }

    private static Entry with(Entry entry, LegState state, String reason, long now) {
        return new Entry(entry.name(), entry.sizeBytes(), state, now, reason);
    }

    /// The leg that is right where complete ones differ; -1 if no complete one is here.
    private int choosePrimary(MirrorRecord record, List<Entry> entries) {
        int chosen = -1;
        int rank = 0;
        for (int i = 0; i < entries.size(); i++) {
            LayoutMember member = members.get(i);
            LegState state = entries.get(i).state();
            if (member.isMissing() || !state.isComplete()) {
                continue;
            }
            boolean wasPrimary = record.legs().get(record.primary()).name().equals(member.name());
            int here =
                    1
                            + (member.locality() == Locality.LOCAL ? 1 : 0)
                            + (wasPrimary ? 2 : 0)
                            + (state == LegState.IN_SYNC ? 4 : 0);
            if (here > rank) {
                rank = here;
                chosen = i;
            }
        }
        return chosen;
    }

    private void checkNames(MirrorRecord record) throws IOException {
        Set<String> configured = new TreeSet<>();
        members.forEach(member -> configured.add(member.name()));
        Set<String> recorded = new TreeSet<>();
        record.legs().forEach(entry -> recorded.add(entry.name()));
        if (!configured.equals(recorded)) {
            throw new IOException(
                    ("volume %s: the record %s is of a mirror of %s, not of %s. Write the members"
                                    + " as they were, or %s")
                            .formatted(
                                    volume,
                                    store.place(),
                                    String.join(" and ", recorded),
                                    String.join(" and ", configured),
                                    startAnew()));
        }
    }

    private String startAnew() {
        return ("move that record away and write primary: with the leg that is right, and the"
                + " others are copied from that");
    }

    private IOException noGoodLeg(List<Entry> entries) {
        StringBuilder good = new StringBuilder();
        for (int i = 0; i < entries.size(); i++) {
            if (entries.get(i).state().isComplete()) {
                good.append(good.isEmpty() ? "" : ", ")
                        .append(entries.get(i).name())
                        .append(" (")
                        .append(members.get(i).problem())
                        .append(')');
            }
        }
        return new IOException(
                ("volume %s: the legs that are here lack acknowledged writes. The good bytes are"
                                + " on %s: make that reachable and start again; or, to go on with old"
                                + " bytes, %s")
                        .formatted(volume, good, startAnew()));
    }
}

package org.unifiedvolume.raid.offline;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongPredicate;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.raid.mirror.ReadPolicy;
import org.unifiedvolume.raid.mirror.ReplicationPlan;
import org.unifiedvolume.raid.superblock.ArrayDescription;
import org.unifiedvolume.raid.superblock.Assembly;
import org.unifiedvolume.raid.superblock.AssemblyFault;
import org.unifiedvolume.raid.superblock.Candidate;
import org.unifiedvolume.raid.superblock.MemberAreas;
import org.unifiedvolume.raid.superblock.MemberEntry;
import org.unifiedvolume.raid.superblock.MemberState;
import org.unifiedvolume.raid.superblock.MetadataPlace;
import org.unifiedvolume.raid.superblock.Superblock;
import org.unifiedvolume.raid.superblock.Verdict;
import org.unifiedvolume.raid.superblock.Verdict.Seat;
import org.unifiedvolume.spi.ArrayTools.Found;

/// What a start would make of the members of one array.
///
/// A service that ran the array before may know more than the members do: what is refused here for
/// lack of a witness may start there.
final class ArrayReport {
    private static final int PARITY_OF_LEVEL_5 = 1;

    private final List<Candidate> candidates;
    private final List<Candidate> unreadable;

    /// @param candidates the members that carry the array's superblocks
    /// @param unreadable devices that may belong to it too
    ArrayReport(List<Candidate> candidates, List<Candidate> unreadable) {
        this.candidates = List.copyOf(candidates);
        this.unreadable = List.copyOf(unreadable);
    }

    Found make() {
        Superblock newest =
                candidates.stream()
                        .map(Candidate::superblock)
                        .max(Comparator.comparingLong(Superblock::events))
                        .orElseThrow();
        ArrayDescription array = newest.array();
        List<String> lines = new ArrayList<>();
        boolean starts = false;
        List<String> spares = List.of();
        List<String> names =
                candidates.stream()
                        .sorted(Comparator.comparingInt(ArrayReport::place))
                        .map(Candidate::name)
                        .toList();
        try {
            Assembly assembly = new Assembly(array.name(), candidates, null, "", null);
            Verdict verdict = assembly.decide(isEnough(assembly.identify()));
            starts = true;
            addSeats(verdict, lines);
            names = namesByRole(verdict);
            spares = spareNames(verdict);
            spares.forEach(spare -> lines.add("  spare   SPARE      " + spare));
            lines.addAll(verdict.remarks());
        } catch (AssemblyFault fault) {
            lines.add(fault.getMessage());
        }
        unreadable.forEach(one -> lines.add("%s: %s".formatted(one.name(), one.problem())));
        return new Found(
                array.uuid().toString(),
                array.name(),
                array.levelName(),
                options(newest),
                names,
                spares,
                starts,
                lines);
    }

    /// Who has each role; those who are missing by the place where they were seen last, so that
    /// they are taken in when they are back there.
    private List<String> namesByRole(Verdict verdict) {
        Set<String> names = new LinkedHashSet<>();
        for (Seat seat : verdict.seats()) {
            if (seat.candidate() >= 0) {
                names.add(candidates.get(seat.candidate()).name());
            }
        }
        List<String> ordered = new ArrayList<>();
        for (int role = 0; role < verdict.seats().size(); role++) {
            Seat seat = verdict.seats().get(role);
            String place = verdict.freshest().entryOf(role).place();
            if (seat.candidate() >= 0) {
                ordered.add(candidates.get(seat.candidate()).name());
            } else if (verdict.freshest().entryOf(role).state() != MemberState.REMOVED
                    && names.add(place)) {
                ordered.add(place);
            }
        }
        return ordered;
    }

    /// The spares that are here, and the last places of those that are not.
    private List<String> spareNames(Verdict verdict) {
        List<String> names = new ArrayList<>();
        for (MemberEntry entry : verdict.freshest().members()) {
            if (entry.state() == MemberState.SPARE) {
                names.add(
                        verdict.spares().stream()
                                .map(candidates::get)
                                .filter(one -> one.superblock().member().equals(entry.member()))
                                .map(Candidate::name)
                                .findFirst()
                                .orElse(entry.place()));
            }
        }
        return names;
    }

    private static int place(Candidate candidate) {
        int role = candidate.superblock().role();
        return role < 0 ? Superblock.MAX_MEMBERS : role;
    }

    private void addSeats(Verdict verdict, List<String> lines) {
        long complete =
                verdict.seats().stream().filter(s -> s.state() == MemberState.IN_SYNC).count();
        int roles = verdict.seats().size();
        String state = complete < roles ? "DEGRADED" : stateOf(verdict.freshest());
        lines.add("starts %s with %d of %d members".formatted(state, complete, roles));
        for (int role = 0; role < roles; role++) {
            Seat seat = verdict.seats().get(role);
            String name = seat.candidate() < 0 ? "-" : candidates.get(seat.candidate()).name();
            String what = seat.candidate() < 0 ? "MISSING" : seat.state().name();
            lines.add(
                    "  role %d  %-10s %s%s"
                            .formatted(
                                    role,
                                    what,
                                    name,
                                    seat.reason().isEmpty() ? "" : "  " + seat.reason()));
        }
    }

    /// The state of an array with all its members.
    private static String stateOf(Superblock freshest) {
        ArrayDescription array = freshest.array();
        if (array.reshape() != null) {
            return "RESHAPING, from %d members to %d,"
                    .formatted(array.reshape().rolesBefore(), array.roles());
        }
        return freshest.clean() || !hasRedundancy(array)
                ? "ONLINE"
                : "RESYNCING, not stopped cleanly";
    }

    private static boolean hasRedundancy(ArrayDescription array) {
        return array.level() > 0;
    }

    private static Map<String, String> options(Superblock superblock) {
        ArrayDescription array = superblock.array();
        Map<String, String> options = new LinkedHashMap<>();
        if (array.chunkBytes() > 0) {
            options.put("chunk", Units.size(array.chunkBytes()).replace(" ", ""));
        }
        if (array.level() == 10) {
            options.put("copies", Integer.toString(array.copies()));
        }
        if (superblock.areas().place() == MetadataPlace.END) {
            options.put("metadata", "end");
        } else if (!hasRedundancy(array)) {
            options.put("metadata", "start");
        }
        if (superblock.areas().checksums().isPresent()) {
            options.put("integrity", "crc32c");
        }
        return options;
    }

    private static LongPredicate isEnough(ArrayDescription array) {
        return switch (array.level()) {
            case 1, 10 ->
                    new ReplicationPlan(
                                            array.name(),
                                            array.level(),
                                            array.chunkBytes(),
                                            array.copies(),
                                            ReadPolicy.LOCAL_FIRST,
                                            List.of(),
                                            List.of())
                                    .make(array, new MemberAreas[array.roles()])
                            ::isEnough;
            case 5, 6 -> {
                int parity = array.level() - 5 + PARITY_OF_LEVEL_5;
                yield complete -> Long.bitCount(complete) >= array.roles() - parity;
            }
            default -> complete -> Long.bitCount(complete) == array.roles();
        };
    }
}

package org.unifiedvolume.raid.superblock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.LongPredicate;
import org.junit.jupiter.api.Test;

/// What is refused and what it says; who is given what.
class AssemblyTest {
    private static final LongPredicate MIRROR = AssemblyTest::hasOne;
    private static final LongPredicate PARITY = AssemblyTest::hasTwo;
    private static final Epoch FIRST = new Epoch(1, 0x1111);
    private static final Epoch HERE = new Epoch(2, 0x2222);
    private static final Epoch THERE = new Epoch(2, 0x9999);

    private static boolean hasOne(long complete) {
        return complete != 0;
    }

    private static boolean hasTwo(long complete) {
        return Long.bitCount(complete) >= 2;
    }

    /// The superblock of a role.
    ///
    /// @param states of all roles, as it knows them
    private static Superblock superblock(
            int role, long events, Epoch epoch, MemberState... states) {
        return superblock(role, events, epoch, events - 1, states);
    }

    private static Superblock superblock(
            int role, long events, Epoch epoch, long known, MemberState... states) {
        long rows = 10 << 20;
        List<MemberEntry> entries = new ArrayList<>();
        int roles = 0;
        for (int i = 0; i < states.length; i++) {
            int roleOf =
                    switch (states[i]) {
                        case SPARE -> -1;
                        case REPLACING -> 0;
                        default -> i;
                    };
            roles += roleOf == i ? 1 : 0;
            entries.add(
                    new MemberEntry(
                            Samples.member(i),
                            roleOf,
                            states[i],
                            0,
                            known,
                            states[i] == MemberState.REBUILDING ? 4096 : rows,
                            "nbd://host" + i + "/disk"));
        }
        return new Superblock(
                new ArrayDescription(Samples.ARRAY, "media", 1, roles, 0, rows, rows, roles, 0),
                Samples.member(role),
                entries.get(role).role(),
                Samples.mirror().areas(),
                events,
                epoch,
                epoch.equals(FIRST) ? List.of() : List.of(FIRST),
                events,
                false,
                0,
                Math.min(events, 4),
                entries);
    }

    private static Candidate carries(String name, Superblock superblock) {
        return new Candidate(name, superblock, "");
    }

    private static Candidate missing(String name) {
        return new Candidate(name, null, "connection refused");
    }

    private static Assembly assembly(Candidate... candidates) {
        return new Assembly("media", List.of(candidates), null, "", null);
    }

    private static Assembly assembly(Witness witness, Candidate... candidates) {
        return new Assembly("media", List.of(candidates), witness, "", null);
    }

    private static void refuses(Assembly assembly, LongPredicate isEnough, String... parts) {
        AssemblyFault fault =
                assertThrows(
                        AssemblyFault.class,
                        () -> {
                            assembly.identify();
                            assembly.decide(isEnough);
                        });
        for (String part : parts) {
            assertTrue(fault.getMessage().contains(part), part + " in " + fault.getMessage());
        }
    }

    private static final MemberState GOOD = MemberState.IN_SYNC;
    private static final MemberState STALE = MemberState.STALE;

    @Test
    void blankMembersAreOfNoArray() throws AssemblyFault {
        Candidate blank = new Candidate("a", null, "");
        assertNull(assembly(blank, blank).identify());
    }

    @Test
    void membersOfTwoArraysAreBothNamed() {
        Superblock one = superblock(0, 5, FIRST, GOOD, GOOD);
        ArrayDescription array = one.array();
        Superblock other =
                new Superblock(
                        new ArrayDescription(
                                new UUID(1, 2),
                                "films",
                                1,
                                2,
                                0,
                                array.sizeBytes(),
                                array.rowBytes(),
                                2,
                                0),
                        Samples.member(1),
                        1,
                        one.areas(),
                        5,
                        FIRST,
                        List.of(),
                        0,
                        false,
                        0,
                        0,
                        one.members());
        refuses(
                assembly(carries("a", one), carries("b", other)),
                MIRROR,
                "a is a member of array media",
                "b of array films",
                "zero-superblock");
    }

    @Test
    void aCopyOfAMemberIsNamedWithTheOriginal() {
        Superblock one = superblock(0, 5, FIRST, GOOD, GOOD);
        refuses(
                assembly(carries("a", one), carries("copy", one)),
                MIRROR,
                "a and copy are the same member");
    }

    @Test
    void tooFewMembersAreNamedWithTheirLastPlace() {
        refuses(
                assembly(
                        carries("a", superblock(0, 5, FIRST, GOOD, GOOD, GOOD)),
                        missing("b"),
                        missing("c")),
                PARITY,
                "role 1: missing",
                "nbd://host1/disk",
                "nbd://host2/disk",
                "connection refused");
    }

    @Test
    void twoSidesAreNamedAndTheUserChooses() throws AssemblyFault {
        Superblock here = superblock(0, 6, HERE, GOOD, STALE);
        Superblock there = superblock(1, 8, THERE, STALE, GOOD);
        Candidate a = carries("a", here);
        Candidate b = carries("b", there);
        refuses(assembly(a, b), MIRROR, "split brain", "a", "b", "event 6", "event 8", "prefer");
        for (String preferred : List.of("a", "b")) {
            Verdict verdict =
                    new Assembly("media", List.of(a, b), null, "", preferred).decide(MIRROR);
            int chosen = preferred.equals("a") ? 0 : 1;
            assertEquals(chosen == 0 ? here : there, verdict.freshest());
            assertEquals(GOOD, verdict.seats().get(chosen).state());
            assertEquals(STALE, verdict.seats().get(1 - chosen).state());
            assertEquals(0, verdict.seats().get(1 - chosen).filledBytes());
        }
        Assembly wrong = new Assembly("media", List.of(a, b), null, "", "c");
        refuses(wrong, MIRROR, "prefer: c is none of its members", "a, b");
    }

    @Test
    void aPreferenceThatWasLeftInTheFileDoesNotBringOldBytesBack() throws AssemblyFault {
        Superblock fresh = superblock(0, 6, HERE, GOOD, STALE);
        Superblock old = superblock(1, 5, FIRST, GOOD, GOOD);
        Verdict verdict =
                new Assembly(
                                "media",
                                List.of(carries("a", fresh), carries("b", old)),
                                null,
                                "",
                                "b")
                        .decide(MIRROR);
        assertEquals(fresh, verdict.freshest());
        assertEquals(STALE, verdict.seats().get(1).state());
    }

    @Test
    void moreEventsInAnOldEpochCountLess() throws AssemblyFault {
        // Its later events were begun and reached no other member before the new epoch was.
        Verdict verdict =
                assembly(
                                carries("a", superblock(0, 6, HERE, GOOD, STALE)),
                                carries("b", superblock(1, 9, FIRST, GOOD, GOOD)))
                        .decide(MIRROR);
        assertEquals(HERE, verdict.freshest().epoch());
        assertEquals(STALE, verdict.seats().get(1).state());
    }

    @Test
    void onlyAWitnessOfThatEpochStartsAloneUnlessAnotherHostHadTheArraySince()
            throws AssemblyFault {
        Candidate a = carries("a", superblock(0, 6, HERE, GOOD, GOOD));
        Candidate gone = missing("b");
        refuses(assembly(a, gone), MIRROR, "nbd://host1/disk is missing", "degraded: true");
        Verdict verdict = assembly(new Witness(Samples.ARRAY, HERE, 6), a, gone).decide(MIRROR);
        assertEquals(-1, verdict.seats().get(1).candidate());
        // Another host had it in between, and the missing leg may have gone on there.
        refuses(assembly(new Witness(Samples.ARRAY, HERE, 5), a, gone), MIRROR, "knows nothing");
        refuses(assembly(new Witness(Samples.ARRAY, FIRST, 5), a, gone), MIRROR, "knows nothing");
        refuses(assembly(new Witness(new UUID(1, 2), HERE, 6), a, gone), MIRROR, "knows nothing");
        assembly(new Witness(Samples.ARRAY, HERE, 7), a, gone).decide(MIRROR);
        Epoch third = new Epoch(3, 3);
        refuses(assembly(new Witness(Samples.ARRAY, third, 7), a, gone), MIRROR, "went on");
        new Assembly("media", List.of(a, gone), null, "true", null).decide(MIRROR);
    }

    /// The array went on with b and a third member; b was set back to before that, and the third
    /// is not here. Nobody is missing by what a knows, and yet a is old.
    @Test
    void aMemberThatWasSetBackIsReasonToAskIfTheHostRemembersMore() throws AssemblyFault {
        Candidate a = carries("a", superblock(0, 9, FIRST, GOOD, GOOD));
        Candidate setBack = carries("b", superblock(1, 6, FIRST, GOOD, GOOD));
        Verdict verdict = assembly(a, setBack).decide(MIRROR);
        assertEquals(STALE, verdict.seats().get(1).state());
        assembly(new Witness(Samples.ARRAY, FIRST, 9), a, setBack).decide(MIRROR);
        Witness later = new Witness(Samples.ARRAY, HERE, 11);
        refuses(assembly(later, a, setBack), MIRROR, "older than when last seen", "went on");
        Candidate present = carries("b", superblock(1, 9, FIRST, GOOD, GOOD));
        assembly(later, a, present).decide(MIRROR);
    }

    /// What replaces a member takes its role in one state, of which the old one need not know.
    @Test
    void aReplacementThatIsMissingMayHaveTheRole() throws AssemblyFault {
        Candidate old = carries("a", superblock(0, 6, HERE, GOOD, STALE, MemberState.REPLACING));
        Candidate stale = carries("b", superblock(1, 5, FIRST, GOOD, GOOD));
        Candidate gone = missing("c");
        refuses(
                assembly(old, stale, gone),
                MIRROR,
                "nbd://host2/disk is missing",
                "degraded: true");
        Witness later = new Witness(Samples.ARRAY, new Epoch(3, 3), 7);
        refuses(assembly(later, old, stale, gone), MIRROR, "nbd://host2/disk", "went on");
        Verdict verdict =
                assembly(new Witness(Samples.ARRAY, HERE, 6), old, stale, gone).decide(MIRROR);
        assertEquals(List.of(), verdict.successors());
    }

    @Test
    void aRebuildThatMayHaveEndedIsReasonToAsk() throws AssemblyFault {
        Superblock rebuilding = superblock(0, 6, FIRST, GOOD, MemberState.REBUILDING);
        refuses(assembly(carries("a", rebuilding), missing("b")), MIRROR, "nbd://host1/disk");
        Superblock stale = superblock(0, 6, HERE, GOOD, STALE);
        assembly(carries("a", stale), missing("b")).decide(MIRROR);
    }

    @Test
    void membersThatCannotGoOnAloneAreNotWaitedFor() throws AssemblyFault {
        Verdict verdict =
                assembly(
                                carries("a", superblock(0, 6, FIRST, GOOD, GOOD, GOOD)),
                                carries("b", superblock(1, 6, FIRST, GOOD, GOOD, GOOD)),
                                missing("c"))
                        .decide(PARITY);
        assertEquals(STALE, verdict.seats().get(2).state());
        assertTrue(verdict.seats().get(2).reason().contains("nbd://host2/disk"));
    }

    @Test
    void whoWasRestoredFromABackupIsCaughtUpInFull() throws AssemblyFault {
        Verdict verdict =
                assembly(
                                carries("a", superblock(0, 6, FIRST, GOOD, GOOD)),
                                carries("b", superblock(1, 3, FIRST, GOOD, GOOD)))
                        .decide(MIRROR);
        assertEquals(STALE, verdict.seats().get(1).state());
        assertEquals(0, verdict.seats().get(1).filledBytes());
    }

    @Test
    void aStaleMemberIsCaughtUpByTheBitmapIfThatReachesBackFarEnough() throws AssemblyFault {
        for (long events : new long[] {3, 4, 5}) {
            Verdict verdict =
                    assembly(
                                    carries("a", superblock(0, 6, HERE, events, GOOD, STALE)),
                                    carries("b", superblock(1, events, FIRST, GOOD, GOOD)))
                            .decide(MIRROR);
            assertEquals(STALE, verdict.seats().get(1).state());
            assertEquals(
                    events >= 4 ? 10 << 20 : 0, verdict.seats().get(1).filledBytes(), "" + events);
        }
    }

    @Test
    void aRebuildGoesOnWhereItWasAndSparesWait() throws AssemblyFault {
        MemberState[] states = {GOOD, MemberState.REBUILDING, MemberState.SPARE};
        Verdict verdict =
                assembly(
                                carries("a", superblock(0, 6, FIRST, states)),
                                carries("b", superblock(1, 6, FIRST, states)),
                                carries("c", superblock(2, 6, FIRST, states)),
                                new Candidate("d", null, ""))
                        .decide(MIRROR);
        assertEquals(MemberState.REBUILDING, verdict.seats().get(1).state());
        assertEquals(4096, verdict.seats().get(1).filledBytes());
        assertEquals(List.of(2), verdict.spares());
        assertEquals(List.of(3), verdict.blanks());
    }
}

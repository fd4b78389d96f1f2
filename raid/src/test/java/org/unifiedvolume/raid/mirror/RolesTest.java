package org.unifiedvolume.raid.mirror;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.raid.Rig;
import org.unifiedvolume.raid.mirror.MirrorRecord.Entry;
import org.unifiedvolume.request.Locality;

/// Which leg a read goes to.
class RolesTest {
    private final Rig rig = new Rig();
    private final Leg near = leg(0, Locality.LOCAL, LegState.IN_SYNC);
    private final Leg alsoNear = leg(1, Locality.LOCAL, LegState.IN_SYNC);
    private final Leg far = leg(2, Locality.REMOTE, LegState.IN_SYNC);

    @AfterEach
    void everythingIsReleased() {
        rig.close();
    }

    private Leg leg(int index, Locality where, LegState state) {
        return new Leg(
                index,
                rig.member("leg" + index, rig.memory(4096, where), 0),
                new Entry("leg" + index, 4096, state, 0, ""));
    }

    private static void answers(Leg leg, long nanos, int reads) {
        for (int i = 0; i < reads; i++) {
            leg.readStarts(-2);
            leg.readEnds(nanos);
        }
    }

    @Test
    void theFasterOfTwoLocalLegsIsReadMostly() {
        Roles roles = new Roles(List.of(near, alsoNear, far));
        answers(near, 1_000_000, 50);
        answers(alsoNear, 100_000, 50);
        int fast = 0;
        for (int i = 0; i < 1000; i++) {
            fast += roles.choose(5000 + i) == alsoNear ? 1 : 0;
        }
        assertTrue(fast > 950 && fast < 1000, fast + " of 1000: the other is asked now and then");
    }

    @Test
    void aFastLegWithMuchToDoIsPassedOver() {
        Roles roles = new Roles(List.of(near, alsoNear));
        answers(near, 300_000, 50);
        answers(alsoNear, 200_000, 50);
        roles.choose(1);
        assertSame(alsoNear, roles.choose(1));
        alsoNear.readStarts(-2);
        assertSame(near, roles.choose(1));
    }

    @Test
    void aSequentialReaderStaysOnItsLeg() {
        Roles roles = new Roles(List.of(near, alsoNear));
        answers(near, 300_000, 50);
        answers(alsoNear, 200_000, 50);
        near.readStarts(4096);
        roles.choose(1);
        assertSame(near, roles.choose(4096));
    }

    @Test
    void onlyWhatIsInSyncIsReadFirstAndStaleLegsNever() {
        Leg unclean = leg(3, Locality.LOCAL, LegState.UNCLEAN);
        Leg rebuilding = leg(4, Locality.LOCAL, LegState.REBUILDING);
        Leg stale = leg(5, Locality.LOCAL, LegState.STALE);
        Roles roles = new Roles(List.of(stale, rebuilding, unclean, far));
        assertSame(far, roles.choose(0));
        assertSame(unclean, roles.next(1L << far.index()));
        assertNull(roles.next(1L << far.index() | 1L << unclean.index()));
        assertEquals(List.of(rebuilding, unclean, far), List.of(roles.writable()));
        assertEquals(Locality.REMOTE, roles.readLocality());
        assertEquals(Locality.MIXED, roles.writeLocality());
    }
}

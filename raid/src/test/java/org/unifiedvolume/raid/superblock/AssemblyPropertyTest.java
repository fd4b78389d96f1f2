package org.unifiedvolume.raid.superblock;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.LongPredicate;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.testkit.Seeds;

/// Whatever happened before a start: no member is taken for good that lacks an acknowledged write,
/// and an array that can start safely does.
class AssemblyPropertyTest {
    private static final int STARTS = 40;

    private int started;
    private int refused;
    private int overruled;
    private int restored;

    /// The roles that were complete last, once somebody has overruled; all before that.
    private long rightSide;

    @Test
    void nothingStaleIsTakenForGoodAndWhatIsSafeStarts() {
        Seeds.each(
                1500,
                "AssemblyPropertyTest#nothingStaleIsTakenForGoodAndWhatIsSafeStarts",
                this::history);
        if (System.getProperty("seed") == null) {
            assertTrue(
                    started > 1000 && refused > 1000 && overruled > 100 && restored > 100,
                    counts());
        }
    }

    private String counts() {
        return "%d started, %d with an old copy, %d refused, %d overruled"
                .formatted(started, restored, refused, overruled);
    }

    private void history(long seed) {
        RandomGenerator random = Seeds.random(seed);
        int roles = 2 + random.nextInt(3);
        boolean isParity = roles > 2 && random.nextBoolean();
        LongPredicate isEnough = complete -> Long.bitCount(complete) >= (isParity ? roles - 1 : 1);
        AssemblyModel model = new AssemblyModel(random, roles, isEnough);
        boolean isOrderly = true;
        rightSide = -1;
        for (int i = 0; i < STARTS; i++) {
            isOrderly &= start(model, random, isEnough, isOrderly);
        }
    }

    /// @param isOrderly whether nobody has overruled anything yet
    /// @return whether nobody has now
    private boolean start(
            AssemblyModel model,
            RandomGenerator random,
            LongPredicate isEnough,
            boolean isOrderly) {
        long all = (1L << model.roles()) - 1;
        long reachable = random.nextInt(3) == 0 ? all : random.nextLong() & all;
        // Whoever overrules sees to it that what was given up is not started alone.
        if ((reachable & rightSide) == 0) {
            return true;
        }
        int host = random.nextInt(8) == 0 ? 1 : 0;
        // Two hosts that both remember an array, each with some of its members, are a limit
        // (docs/safety.md): only what is on the members could tell one of the other.
        if (host != model.lastHost() && reachable != all && model.hosts[host] != null) {
            return true;
        }
        int role = random.nextInt(model.roles());
        boolean isCopied = isOrderly && random.nextInt(4) == 0 && (reachable >> role & 1) != 0;
        AssemblyModel.Member replaced = isCopied ? model.restoreOld(role, reachable) : null;
        Superblock old = model.members.get(role).superblock;
        boolean overruledNow = false;
        try {
            Verdict verdict = decide(model, reachable, host, "", null, isEnough);
            started++;
            model.check(verdict);
            restored += replaced == null ? 0 : 1;
            model.run(verdict, host, false);
            rightSide = rightSide == -1 ? -1 : model.lastComplete();
        } catch (AssemblyFault refusal) {
            refused++;
            assertTrue(refusal.getMessage().startsWith("volume media: "), refusal.getMessage());
            if (isOrderly && replaced == null && mustStart(model, reachable, host, isEnough)) {
                throw new AssertionError("refused though it was safe: " + refusal.getMessage());
            }
            if (replaced == null && random.nextInt(12) == 0) {
                overruledNow = overrule(model, random, reachable, host, isEnough, wordOf(refusal));
            }
        }
        if (replaced != null && model.members.get(role).superblock.equals(old)) {
            model.members.set(role, replaced); // it was not given the newer bytes
        }
        return !overruledNow;
    }

    private static Verdict decide(
            AssemblyModel model,
            long reachable,
            int host,
            String vouched,
            String preferred,
            LongPredicate isEnough)
            throws AssemblyFault {
        Assembly assembly =
                new Assembly(
                        "media",
                        model.candidates(reachable),
                        model.hosts[host],
                        vouched,
                        preferred);
        assembly.identify();
        return assembly.decide(isEnough);
    }

    /// Everybody is here; or this host was the last one that had the array, and knows who is
    /// complete; or those that are missing cannot work by themselves.
    private static boolean mustStart(
            AssemblyModel model, long reachable, int host, LongPredicate isEnough) {
        long all = (1L << model.roles()) - 1;
        boolean areEnoughHere = isEnough.test(model.lastComplete() & reachable);
        return reachable == all
                || (areEnoughHere && model.wasSavedBy(host))
                || (areEnoughHere && model.wasSaved() && !isEnough.test(all & ~reachable));
    }

    /// What a refusal asks the user to write; empty if it asks for nothing.
    private static String wordOf(AssemblyFault refusal) {
        String[] parts = refusal.getMessage().split("write degraded: ", 2);
        return parts.length == 2 ? parts[1] : "";
    }

    /// @return whether a run came of it
    private boolean overrule(
            AssemblyModel model,
            RandomGenerator random,
            long reachable,
            int host,
            LongPredicate isEnough,
            String vouched) {
        int role = random.nextInt(model.roles());
        try {
            Verdict verdict =
                    decide(model, reachable, host, vouched, AssemblyModel.name(role), isEnough);
            overruled++;
            model.run(verdict, host, true);
            rightSide = model.lastComplete();
            return true;
        } catch (AssemblyFault refusal) {
            assertTrue(refusal.getMessage().startsWith("volume media: "), refusal.getMessage());
            return false;
        }
    }
}

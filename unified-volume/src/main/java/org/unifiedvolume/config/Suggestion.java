package org.unifiedvolume.config;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;

/// Finds the word that a user most likely meant.
public final class Suggestion {
    private Suggestion() {}

    /// The remedy for a word that is not known: `did you mean "chunk"? known ones are …`.
    public static String remedy(String wrong, Collection<String> known) {
        String all = "known ones are " + String.join(", ", known);
        return known.stream()
                .filter(word -> distance(wrong, word) <= Math.max(1, word.length() / 3))
                .min(Comparator.comparingInt(word -> distance(wrong, word)))
                .map(word -> "did you mean \"%s\"? %s".formatted(word, all))
                .orElse(all);
    }

    /// How many letters have to be put in, left out, changed or swapped with their neighbour to
    /// make one word of the other (optimal string alignment); case does not count.
    static int distance(String one, String other) {
        String a = one.toLowerCase(Locale.ROOT);
        String b = other.toLowerCase(Locale.ROOT);
        if (Math.abs(a.length() - b.length()) > b.length()) {
            return Integer.MAX_VALUE;
        }
        int[][] cost = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int k = 0; k <= b.length(); k++) {
                if (i == 0 || k == 0) {
                    cost[i][k] = i + k;
                    continue;
                }
                int change = a.charAt(i - 1) == b.charAt(k - 1) ? 0 : 1;
                int least = Math.min(cost[i - 1][k], cost[i][k - 1]) + 1;
                least = Math.min(least, cost[i - 1][k - 1] + change);
                if (i > 1
                        && k > 1
                        && a.charAt(i - 1) == b.charAt(k - 2)
                        && a.charAt(i - 2) == b.charAt(k - 1)) {
                    least = Math.min(least, cost[i - 2][k - 2] + 1);
                }
                cost[i][k] = least;
            }
        }
        return cost[a.length()][b.length()];
    }
}

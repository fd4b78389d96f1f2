package org.unifiedvolume.config;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class SuggestionTest {
    @Test
    void namesTheNearestWordFirst() {
        assertEquals(
                "did you mean \"chunk\"? known ones are check, chunk",
                Suggestion.remedy("chnuk", List.of("check", "chunk")));
    }

    @Test
    void namesNoneThatIsFarAway() {
        assertEquals(
                "known ones are chunk, size",
                Suggestion.remedy("deadline", List.of("chunk", "size")));
    }

    @Test
    void countsASwapOfNeighboursOnce() {
        assertEquals(1, Suggestion.distance("raid10", "riad10"));
        assertEquals(1, Suggestion.distance("raid", "raid0"));
        assertEquals(0, Suggestion.distance("RAID0", "raid0"));
        assertEquals(3, Suggestion.distance("", "nbd"));
    }
}

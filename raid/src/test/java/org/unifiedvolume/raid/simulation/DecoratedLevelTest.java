package org.unifiedvolume.raid.simulation;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.unifiedvolume.raid.redundant.Level;

/// What is asked of a decorated level reaches the real one: what the interface does by default
/// would be another array's behaviour.
class DecoratedLevelTest {
    static Method[] questions() {
        return Level.class.getDeclaredMethods();
    }

    @ParameterizedTest
    @MethodSource("questions")
    void passesItOn(Method question) {
        assertTrue(
                Arrays.stream(DecoratedLevel.class.getDeclaredMethods())
                        .anyMatch(
                                own ->
                                        own.getName().equals(question.getName())
                                                && Arrays.equals(
                                                        own.getParameterTypes(),
                                                        question.getParameterTypes())),
                question::toString);
    }
}

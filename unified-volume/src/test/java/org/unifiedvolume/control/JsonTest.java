package org.unifiedvolume.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
    @Test
    void bringsBackWhatWasWritten() throws IOException {
        Map<String, Object> value = new LinkedHashMap<>();
        value.put("text", "a\"\n\u0000ä");
        value.put("number", Long.MIN_VALUE);
        value.put("decimal", 1.5);
        value.put("flags", Arrays.asList(true, false, null));
        value.put("map", Map.of("list", List.of(Map.of(), List.of())));
        assertEquals(value, Json.readObject(Json.write(value)));
        assertEquals(value, Json.readObject(Json.writeIndented(value)));
    }

    @Test
    void writesOneLine() {
        assertEquals(-1, Json.write(Map.of("a", "1\n2", "b", List.of(1, 2))).indexOf('\n'));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "{}{}", "{\"a\":}", "[1]", "1", "{\"a\":[1}", "nul"})
    void refusesWhatIsNoObject(String text) {
        assertThrows(IOException.class, () -> Json.readObject(text));
    }
}

package org.unifiedvolume.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class UnitsTest {
    private static final Place PLACE = new Place("uvol.yaml", 7, 3);

    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "512, 512",
        "512B, 512",
        "64KiB, 65536",
        "64 KiB, 65536",
        " 1MiB , 1048576",
        "10GiB, 10737418240",
        "8TiB, 8796093022208",
        "1PiB, 1125899906842624",
        "8191PiB, 9222246136947933184"
    })
    void readsSizes(String text, long bytes) throws ConfigFault {
        assertEquals(bytes, Units.parseSize(PLACE, text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "KiB", "-1", "1.5GiB", "64KB", "64kib", "1 Gi", "1e9", "0x10"})
    void refusesWhatIsNoSize(String text) {
        String message =
                assertThrows(ConfigFault.class, () -> Units.parseSize(PLACE, text)).getMessage();
        assertTrue(message.startsWith("uvol.yaml:7:3: \"" + text + "\" is not a size; "), message);
        assertTrue(message.contains("KiB, MiB, GiB or TiB"), message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"8192PiB", "999999999999999999TiB"})
    void refusesSizesThatNobodyCanCount(String text) {
        String message =
                assertThrows(ConfigFault.class, () -> Units.parseSize(PLACE, text)).getMessage();
        assertTrue(message.contains("is too large"), message);
    }

    @ParameterizedTest
    @CsvSource({
        "0s, 0",
        "7us, 7000",
        "500ms, 500000000",
        "30s, 30000000000",
        "5 m, 300000000000",
        "720h, 2592000000000000"
    })
    void readsDurations(String text, long nanos) throws ConfigFault {
        assertEquals(nanos, Units.parseDuration(PLACE, text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "30", "s", "-1s", "1.5s", "1d", "1S"})
    void refusesWhatIsNoDuration(String text) {
        String message =
                assertThrows(ConfigFault.class, () -> Units.parseDuration(PLACE, text))
                        .getMessage();
        assertTrue(message.contains("\"" + text + "\" is not a duration; "), message);
        assertTrue(message.contains("such as 30s"), message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"721h", "999999999999h", "999999999999s"})
    void refusesDurationsBeyondAMonth(String text) {
        String message =
                assertThrows(ConfigFault.class, () -> Units.parseDuration(PLACE, text))
                        .getMessage();
        assertTrue(message.contains("is too long"), message);
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0 B",
        "512, 512 B",
        "65536, 64 KiB",
        "1610612736, 1.5 GiB",
        "1099511627776, 1 TiB"
    })
    void writesSizesForPeople(long bytes, String text) {
        assertEquals(text, Units.size(bytes));
    }

    @Test
    void writesLatenciesForPeople() {
        assertEquals("840 ns", Units.nanos(840));
        assertEquals("12.5 µs", Units.nanos(12_500));
        assertEquals("3.1 ms", Units.nanos(3_100_000));
        assertEquals("2.0 s", Units.nanos(2_000_000_000));
    }
}

package org.unifiedvolume.targets.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.DeviceUri;
import org.unifiedvolume.config.Place;

final class FileKindTest {
    private static DeviceUri uri(String options) throws ConfigFault {
        return DeviceUri.parse(
                Place.COMMAND_LINE, Path.of("/srv"), "file:/srv/a.img?direct=true" + options);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "&lane=auto", "&lane=uring", "&lane=workers"})
    void takesAnyOfItsLanes(String option) throws Exception {
        assertEquals(
                "file:/srv/a.img?direct=true" + option, new FileKind().plan(uri(option)).name());
    }

    @Test
    void saysWhichLanesThereAre() {
        ConfigFault fault =
                assertThrows(ConfigFault.class, () -> new FileKind().plan(uri("&lane=io_uring")));
        assertTrue(
                fault.getMessage().contains("lane=io_uring")
                        && fault.getMessage().contains("write lane=auto, uring or workers"),
                fault.getMessage());
    }
}

package org.unifiedvolume.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.config.ConfigReader;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.service.FakeKinds;
import org.unifiedvolume.service.Planner;
import org.unifiedvolume.service.Registry;
import org.unifiedvolume.service.Service;

@Timeout(60)
class ServiceFinderTest {
    @TempDir private Path folder;

    private Registry registry() {
        return new Registry(folder.resolve("registry"));
    }

    private ServiceFinder finder(Path here, Map<String, String> environment) {
        return new ServiceFinder(here, environment, registry());
    }

    private Service start(String name) throws Exception {
        Path home = Files.createDirectories(folder.resolve(name));
        Path file =
                Files.writeString(
                        home.resolve("uvol.yaml"),
                        "volumes: [{name: v, level: first, members: ['here:%s']}]".formatted(name));
        return Service.start(
                Planner.plan(ConfigReader.read(file), new FakeKinds().kinds()), registry());
    }

    @Test
    void findsTheOnlyServiceFromAnyFolder() throws Exception {
        try (Service only = start("one")) {
            assertEquals(
                    only.stateFolder().resolve("control.sock"),
                    finder(folder, Map.of()).find(null, null));
        }
    }

    @Test
    void asksToChooseBetweenSeveral() throws Exception {
        try (Service one = start("one");
                Service two = start("two")) {
            String message =
                    assertThrows(
                                    ControlFault.class,
                                    () -> finder(folder, Map.of()).find(null, null))
                            .getMessage();
            assertEquals(
                    "several services run; choose one with --state %s or --state %s"
                            .formatted(one.stateFolder(), two.stateFolder()),
                    message);
            assertEquals(
                    two.stateFolder().resolve("control.sock"),
                    finder(folder.resolve("two"), Map.of()).find(null, null));
            assertEquals(
                    one.stateFolder().resolve("control.sock"),
                    finder(folder, Map.of("UVOL_STATE", one.stateFolder().toString()))
                            .find(null, null));
            assertEquals(
                    one.stateFolder().resolve("control.sock"),
                    finder(folder, Map.of()).find(folder.resolve("one/uvol.yaml"), null));
        }
    }

    @Test
    void doesNotTakeADeadServiceForARunningOne() throws Exception {
        Files.createDirectories(folder.resolve("registry"));
        Path state = Files.createDirectories(folder.resolve("state"));
        Files.writeString(
                state.resolve("service.json"),
                "{\"pid\": 999999999, \"socket\": \"%s/control.sock\", \"config\": \"x\"}"
                        .formatted(state));
        Path entry =
                Files.writeString(folder.resolve("registry/999999999-0000abcd"), state.toString());
        assertTrue(
                assertThrows(ControlFault.class, () -> finder(folder, Map.of()).find(null, null))
                        .getMessage()
                        .startsWith("no service runs here"));
        assertTrue(Files.notExists(entry));
    }
}

package org.unifiedvolume.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.ConfigReader;
import org.unifiedvolume.control.ControlClient;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.service.Registry;
import org.unifiedvolume.service.StateFolder;
import org.unifiedvolume.service.StateFolder.Occupant;

/// Finds the running service that a command is for.
final class ServiceFinder {
    private static final String VARIABLE = "UVOL_STATE";

    private final Path here;
    private final Map<String, String> environment;
    private final Registry registry;

    /// @param here the folder in which the command was given
    ServiceFinder(Path here, Map<String, String> environment, Registry registry) {
        this.here = here;
        this.environment = environment;
        this.registry = registry;
    }

    /// The control socket of the service: of the one that was named, or else of the one in
    /// `./state`, or else of the only one that runs.
    ///
    /// @param config the configuration file that was named; null for none
    /// @param state the state folder that was named; null for none
    /// @throws ControlFault if it does not run, or it is not clear which one is meant
    Path find(Path config, Path state) throws ConfigFault, ControlFault {
        if (state != null) {
            return socketIn(here.resolve(state));
        }
        if (config != null) {
            return socketIn(ConfigReader.read(here.resolve(config)).stateFolder());
        }
        String variable = environment.get(VARIABLE);
        if (variable != null && !variable.isBlank()) {
            return socketIn(here.resolve(variable));
        }
        Occupant nearby = StateFolder.occupant(here.resolve("state"));
        if (nearby != null && ControlClient.isAlive(nearby.socket())) {
            return nearby.socket();
        }
        List<Occupant> running = registry.running();
        return switch (running.size()) {
            case 0 ->
                    throw new ControlFault(
                            "no service runs here; start one with uvol serve FILE, or name its"
                                    + " state folder with --state DIR");
            case 1 -> running.getFirst().socket();
            default ->
                    throw new ControlFault(
                            "several services run; choose one with "
                                    + running.stream()
                                            .map(o -> "--state " + o.folder())
                                            .sorted()
                                            .collect(Collectors.joining(" or ")));
        };
    }

    private static Path socketIn(Path folder) throws ControlFault {
        Occupant occupant = StateFolder.occupant(folder);
        if (occupant == null || !ControlClient.isAlive(occupant.socket())) {
            throw new ControlFault(
                    "no service runs with the state folder %s; start it with uvol serve FILE"
                            .formatted(folder));
        }
        return occupant.socket();
    }
}

package org.unifiedvolume.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.control.ControlClient;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.Request;
import org.unifiedvolume.service.Registry;
import picocli.CommandLine.Option;

/// The options that choose the running service a command is for.
final class Chosen {
    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "The service that runs this configuration file.")
    private Path config;

    @Option(
            names = "--state",
            paramLabel = "DIR",
            description =
                    "The service with this state folder. Without it: $UVOL_STATE, ./state, or the"
                            + " only service that runs.")
    private Path state;

    /// Sends a request to the service.
    Map<String, Object> call(Request request) throws ConfigFault, ControlFault, IOException {
        return call(request, _ -> true);
    }

    Map<String, Object> call(Request request, ControlClient.Watcher watcher)
            throws ConfigFault, ControlFault, IOException {
        LogSetup.onlyWarnings();
        Map<String, String> environment = System.getenv();
        ServiceFinder finder =
                new ServiceFinder(Path.of(""), environment, Registry.ofUser(environment));
        return ControlClient.call(finder.find(config, state), request, watcher);
    }
}

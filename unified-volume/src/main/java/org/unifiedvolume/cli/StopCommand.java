package org.unifiedvolume.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.Request;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `uvol stop NAME`: stops serving one volume.
@Command(
        name = "stop",
        description = {
            "Stops serving a volume: closes its exports, makes everything durable, marks an array as"
                    + " clean, and closes its members.",
            "",
            "Refused while it is mounted, attached or has clients. The service goes on with its other"
                    + " volumes; the volume is served again when the service is started anew."
        },
        footer = {"", "Example:", "  uvol stop media"})
final class StopCommand implements Callable<Integer> {
    @Mixin private ChosenVolume chosen;
    @Spec private CommandSpec spec;

    @Option(names = "--force", description = "Although somebody uses it.")
    private boolean force;

    @Override
    public Integer call() throws ConfigFault, ControlFault, IOException {
        chosen.call(Request.of("stop").with("force", force));
        spec.commandLine().getOut().printf("%s is stopped%n", chosen.name());
        return Main.DONE;
    }
}

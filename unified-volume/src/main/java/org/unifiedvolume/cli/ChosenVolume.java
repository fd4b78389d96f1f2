package org.unifiedvolume.cli;

import java.io.IOException;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.Request;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// The parameter that chooses a volume, for the commands that are about one.
final class ChosenVolume {
    @Mixin private Chosen chosen;

    @Parameters(index = "0", paramLabel = "NAME", description = "The volume.")
    private String volume;

    String name() {
        return volume;
    }

    /// Sends a request about the volume to the service.
    Reply call(Request request) throws ConfigFault, ControlFault, IOException {
        return new Reply(chosen.call(request.with("volume", volume)));
    }
}

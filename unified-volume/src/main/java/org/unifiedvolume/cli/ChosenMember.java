package org.unifiedvolume.cli;

import java.io.IOException;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.Request;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// The parameters that choose a member of a volume, for the commands that are about one.
final class ChosenMember {
    @Mixin private ChosenVolume volume;

    @Parameters(
            index = "1",
            paramLabel = "MEMBER",
            description = "The member's URI, or a part of it that no other member has.")
    private String member;

    String volume() {
        return volume.name();
    }

    /// Sends a request about the member to the service, whose answer names the member that it has
    /// found.
    Reply call(Request request) throws ConfigFault, ControlFault, IOException {
        return volume.call(request.with("member", member));
    }
}

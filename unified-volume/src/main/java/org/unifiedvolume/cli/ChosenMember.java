package org.unifiedvolume.cli;

import java.io.IOException;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.Request;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/// The parameters that choose a member of a volume, for the commands that are about one.
final class ChosenMember {
    @Mixin private Chosen chosen;

    @Parameters(index = "0", paramLabel = "NAME", description = "The volume.")
    private String volume;

    @Parameters(
            index = "1",
            paramLabel = "MEMBER",
            description = "The member's URI, or a part of it that no other member has.")
    private String member;

    String volume() {
        return volume;
    }

    /// Sends a request about the member to the service.
    ///
    /// @return the member that the service has found
    String call(Request request) throws ConfigFault, ControlFault, IOException {
        return new Reply(chosen.call(request.with("volume", volume).with("member", member)))
                .text("member");
    }
}

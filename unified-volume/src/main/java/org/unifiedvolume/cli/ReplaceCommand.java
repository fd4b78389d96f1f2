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
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `uvol replace NAME MEMBER URI`: gives a member's role to another one.
@Command(
        name = "replace",
        description = {
            "Gives a member's role to another device, which is filled from the other members"
                    + " while the volume works.",
            "",
            "The member that is replaced is not used from then on; where the volume cannot do"
                    + " without it, that is refused. Change the configuration too."
        },
        footer = {"", "Example:", "  uvol replace media /srv/a.img /srv/new.img?size=10GiB"})
final class ReplaceCommand implements Callable<Integer> {
    @Mixin private Chosen chosen;
    @Spec private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "NAME", description = "The volume.")
    private String volume;

    @Parameters(
            index = "1",
            paramLabel = "MEMBER",
            description = "The member's URI, or a part of it that no other member has.")
    private String member;

    @Parameters(index = "2", paramLabel = "URI", description = "The new member.")
    private String uri;

    @Option(names = "--force", description = "Give up what the new member carries.")
    private boolean force;

    @Override
    public Integer call() throws ConfigFault, ControlFault, IOException {
        Reply answer =
                new Reply(
                        chosen.call(
                                Request.of("replace")
                                        .with("volume", volume)
                                        .with("member", member)
                                        .with("uri", OfflineMembers.absolute(uri))
                                        .with("force", force)));
        spec.commandLine()
                .getOut()
                .printf(
                        "%s: %s takes the place of %s and is being filled; change the configuration"
                                + " too%n",
                        volume, answer.text("by"), answer.text("member"));
        return Main.DONE;
    }
}
